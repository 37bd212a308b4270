import { InvalidValue, quote } from './value.ts'

/**
 * Reads the path of a file or a directory.
 *
 * @throws InvalidValue
 */
export function parsePath(path: string): string {
  if (path.trim() === '' || path.includes('\0')) throw new InvalidValue('is empty: write a path')
  if (/^~(\/|$)/.test(path))
    throw new InvalidValue(`is ${quote(path)}: ~ is not expanded, write the whole path`)
  return path
}
