// Where the build is.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const target = resolve(root, process.env.CARGO_TARGET_DIR ?? 'target');

/** The server. */
export const paydesk = process.env.PAYDESK_BIN ?? join(target, 'debug', 'paydesk');

/** Our environment without Paydesk's settings: a test says all of its own. */
export const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PAYDESK_')));

/** An example program of the workspace, from the same build. */
export const example = (name) => join(target, 'debug', 'examples', name);

/** A Python with the packages of every `requirements.txt` here. */
export const python = process.env.PAYDESK_TEST_PYTHON ?? join(target, 'venv', 'bin', 'python');

/** Fails with what it says if `paydesk verify-page` finds anything on the page that this build does not serve. */
export const isOurs = (url) => promisify(execFile)(paydesk, ['verify-page', url]);
