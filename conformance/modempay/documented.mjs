// The examples of Modem Pay's "Manage sessions", as published.

export const retrieve = `const session = await modempay.sessions.retrieve(
  "2f4145b6-5a8b-4ec7-b62a-246b4424d351"
);`;

export const list = 'const sessions = await modempay.sessions.list();';

export const expire = `const expiredSession = await modempay.sessions.expire(
    "2f4145b6-5a8b-4ec7-b62a-246b4424d351"
);`;

const AsyncFunction = (async () => {}).constructor;

/** Runs an example, with `id` in place of the documented one, and answers with what it puts into its constant. */
export function run(example, modempay, id) {
  const code = id === undefined ? example : example.replace('2f4145b6-5a8b-4ec7-b62a-246b4424d351', id);
  const [, name] = /^const (\w+) =/.exec(example);
  return new AsyncFunction('modempay', `${code}\nreturn ${name};`)(modempay);
}
