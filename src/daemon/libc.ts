import { createRequire } from 'node:module'

/** A function of the C library, with what koffi makes of its types. */
type CFunction = (...args: (number | number[])[]) => number

/** What we use of `koffi`, which calls functions of libraries that are loaded. */
interface Ffi {
  load(library: null): { func(declaration: string): CFunction }
}

/**
 * A function of the C library that Node has no way to, by its declaration.
 *
 * @returns `undefined` where there is no such function, or no way to call it: `koffi` is an optional dependency. The first
 *   call takes 20 ms and 7 MiB, so a start has better uses for them
 */
export function libcFunction(declaration: string): CFunction | undefined {
  try {
    const ffi = createRequire(import.meta.url)('koffi') as Ffi
    return ffi.load(null).func(declaration)
  } catch {
    return undefined // no such package, or no such function: a convenience of one platform, which nothing depends on
  }
}
