import assert from 'node:assert/strict'

/** The error that a contract names: its class, or what tells it. */
export type Expected = (error: unknown) => boolean

/**
 * What a parser makes of its input; `undefined` when it refuses it with the error of its contract.
 *
 * @throws any other error, which fails the property
 */
export function outcome<T>(parse: () => T, expected: Expected): T | undefined {
  try {
    return parse()
  } catch (error) {
    if (expected(error)) return undefined
    throw error
  }
}

/** As {@link outcome}, of what takes its time. */
export async function laterOutcome<T>(
  parse: () => Promise<T>,
  expected: Expected,
): Promise<T | undefined> {
  try {
    return await parse()
  } catch (error) {
    if (expected(error)) return undefined
    throw error
  }
}

/** Whether an error is of one of those classes. */
export function isA(...classes: (abstract new (...args: never) => Error)[]): Expected {
  return (error) => classes.some((each) => error instanceof each)
}

/** Fails when the work takes more CPU than any input may cost. Milliseconds; far above what a slow machine needs. */
export function bounded<T>(work: () => T, milliseconds = 1000): T {
  const before = process.cpuUsage()
  try {
    return work()
  } finally {
    const { user, system } = process.cpuUsage(before)
    const took = (user + system) / 1000
    assert.ok(took < milliseconds, `it took ${took} ms of CPU`)
  }
}
