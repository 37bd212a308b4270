import { CommandError } from './io.ts'

/** What the system's refusals of a file mean to whoever named it, and what to do then. */
const WORDS: Readonly<Record<'read' | 'written', Readonly<Record<string, string>>>> = {
  read: {
    ENOENT: 'there is no such file: name one that heliport key export wrote',
    ENOTDIR: 'there is no such file: name one that heliport key export wrote',
    EISDIR: 'it is a directory: name the file in it',
    EACCES: 'this user may not read it: run the command as its owner, or change its mode',
    EPERM: 'this user may not read it: run the command as its owner, or change its mode',
  },
  written: {
    EEXIST: 'exists already and is not overwritten: choose another file',
    ENOENT: 'its directory is not there: make it first, or choose another file',
    ENOTDIR: 'its directory is not there: make it first, or choose another file',
    EACCES: 'this user may not write there: choose another directory, or change its mode',
    EPERM: 'this user may not write there: choose another directory, or change its mode',
    EROFS: 'that file system is read-only: choose another directory',
    ENOSPC: 'there is no room left there: choose another directory',
  },
}

/**
 * The error about a file that a command line names, in one line with the option and the file.
 *
 * @param as where it stands in the command line: `-o`, `FILE`
 * @returns the error itself when it is no refusal of the system
 */
export function fileError(
  error: unknown,
  { as, path, to }: { as: string; path: string; to: keyof typeof WORDS },
): unknown {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return error
  const code = String(error.code)
  const words = WORDS[to][code] ?? `it cannot be ${to} (${code})`
  return new CommandError(`${as} ${path}: ${words}`, { cause: error })
}
