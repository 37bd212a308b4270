import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

const LOCK = join(import.meta.dirname, '../../package-lock.json')

/** What the lock file says of a package, as far as is looked at here. */
export interface LockedPackage {
  readonly version?: string
  readonly integrity?: string
  readonly resolved?: string
  readonly license?: string
  readonly dev?: boolean
  readonly optional?: boolean
  readonly peer?: boolean
  readonly link?: boolean
  readonly hasInstallScript?: boolean
  readonly os?: readonly string[] | string
  readonly cpu?: readonly string[] | string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/** `package-lock.json`, version 3. */
export interface Lock {
  readonly name: string
  readonly version: string
  readonly lockfileVersion: number
  /** By path: `node_modules/a/node_modules/b`; `''` is ourselves. */
  readonly packages: Readonly<Record<string, LockedPackage>>
}

/** Ours. */
export async function readLock(): Promise<Lock> {
  return JSON.parse(await readFile(LOCK, 'utf8')) as Lock
}

/** What a path in the lock installs: `@scope/name`. */
export function nameAt(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
}
