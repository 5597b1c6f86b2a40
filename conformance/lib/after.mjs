// Clearing up after tests, whatever happens.

// The runner ends a file that goes on for too long by a signal: what it has started then ends as at any other end.
process.once('SIGTERM', () => process.exit(143));

/** @type {WeakMap<object, (() => unknown)[]>} */
const stacks = new WeakMap();

/**
 * Runs `clear` after the tests of `t`, the last one registered first.
 *
 * The runner's own `after` gives up at the first that fails; what comes later, a browser say, would then keep the
 * process alive for ever. Here all of them run, and then the faults are reported.
 *
 * @param {{after: (hook: () => Promise<void>) => void}} t a test context, or `node:test` itself
 * @param {() => unknown} clear
 */
export function afterwards(t, clear) {
  const stack = stacks.get(t);
  if (stack) {
    stack.push(clear);
    return;
  }
  const own = [clear];
  stacks.set(t, own);
  t.after(async () => {
    const faults = [];
    while (own.length > 0) {
      try {
        await own.pop()();
      } catch (fault) {
        faults.push(fault);
      }
    }
    if (faults.length === 1) throw faults[0];
    if (faults.length > 1) throw new AggregateError(faults, faults.map((fault) => fault.message).join('\n\n'));
  });
}
