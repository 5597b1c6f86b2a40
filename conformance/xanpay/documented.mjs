// The examples of XanPay's own documentation, as published.

import { readFileSync } from 'node:fs';

const read = (name) => readFileSync(new URL(name, import.meta.url), 'utf8');

/** The body of the documented curl command, byte for byte. */
export const request = read('session.request.json').trimEnd();
/** The session that it answers. */
export const session = JSON.parse(read('session.response.json'));
/** The charge of that session. */
export const charge = JSON.parse(read('charge.response.json'));
/** curl's own content type for `-d`. */
export const curl = { 'content-type': 'application/x-www-form-urlencoded' };
/** The form of every time in an answer. */
export const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
