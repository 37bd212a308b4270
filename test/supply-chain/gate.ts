import {
  FORBIDDEN,
  INSTALL_SCRIPTS,
  LICENCES,
  LICENCE_EXCEPTIONS,
  MINIMUM,
  ONLY_IN_TESTS,
  UNUSED,
} from './rules.ts'
import { nameAt } from './lock.ts'
import type { Lock, LockedPackage } from './lock.ts'

/**
 * Everything in a lock file that the rules do not allow, one line each.
 *
 * @param sources our sources, text by path
 */
export function gate(lock: Lock, sources: ReadonlyMap<string, string>): string[] {
  const packages = Object.entries(lock.packages).filter(([path]) => path !== '')
  const found = packages.flatMap(([path, locked]) => {
    const name = nameAt(path)
    const problems = [
      ...wrongVersion(name, locked),
      ...wrongSource(locked),
      ...wrongScript(name, locked),
      ...wrongLicence(name, locked),
    ]
    return problems.map((problem) => `${path}: ${problem}`)
  })
  return [...found, ...inexact(lock), ...used(sources)]
}

function* wrongVersion(name: string, { version, dev }: LockedPackage): Generator<string> {
  const forbidden = FORBIDDEN[name]
  if (forbidden !== undefined) yield `is not to be there: ${forbidden}`
  const lacking = dev === true ? undefined : ONLY_IN_TESTS[name]
  if (lacking !== undefined) yield `is not to be there, but for tests: ${lacking}`
  const [least, why] = MINIMUM[name] ?? []
  if (least !== undefined && !isAtLeast(version, least))
    yield `is ${version ?? 'of no version'}, and has to be at least ${least}: ${why}`
}

/** Where its bytes come from, and that they are those that somebody has looked at. */
function* wrongSource(locked: LockedPackage): Generator<string> {
  if (locked.link === true) yield 'is a link to a directory'
  if (locked.resolved !== undefined)
    yield `names where it came from (${locked.resolved}): omit-lockfile-registry-resolved`
  if (locked.integrity === undefined) {
    if (!isForeignTool(locked)) yield 'has no integrity'
  } else if (!/^sha512-[A-Za-z0-9+/]{86}==$/.test(locked.integrity))
    yield `has an integrity that is no sha512: ${locked.integrity}`
}

/** A tool's binary for another platform, which the registry that the lock was made with did not have. Nothing of it is shipped. */
export function isForeignTool({ dev, optional, os, cpu }: LockedPackage): boolean {
  return dev === true && optional === true && os !== undefined && cpu !== undefined
}

function* wrongScript(name: string, { hasInstallScript }: LockedPackage): Generator<string> {
  if (hasInstallScript === true && !Object.hasOwn(INSTALL_SCRIPTS, name))
    yield 'runs a program when it is installed, and is not in the list of those that may'
}

function* wrongLicence(name: string, { license = '' }: LockedPackage): Generator<string> {
  const exception = LICENCE_EXCEPTIONS[name] ?? LICENCE_EXCEPTIONS[name.replace(/\/.*$/, '/*')]
  if (exception?.[0] === license) return
  const allowed = license
    .replace(/^\((.*)\)$/, '$1')
    .split(' OR ')
    .some((one) => one.split(' AND ').every((each) => LICENCES.has(each)))
  if (!allowed) yield `has the licence "${license}", which is not in the list`
}

/** What we ask for ourselves is one version, so that nothing newer comes by itself. */
function inexact({ packages }: Lock): string[] {
  const { dependencies, devDependencies, optionalDependencies } = packages[''] ?? {}
  const all = { ...dependencies, ...devDependencies, ...optionalDependencies }
  return Object.entries(all).flatMap(([name, version]) =>
    /^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version) ? [] : [`${name}: "${version}" is not one version`],
  )
}

function used(sources: ReadonlyMap<string, string>): string[] {
  return [...sources].flatMap(([path, text]) =>
    Object.entries(UNUSED).flatMap(([name, why]) =>
      new RegExp(`['"]${name}(/[^'"]*)?['"]`).test(text) ? [`${path}: uses ${name}: ${why}`] : [],
    ),
  )
}

/** Whether a version is that one or newer; one before a release (`-rc.1`) is older than it. */
export function isAtLeast(version: string | undefined, least: string): boolean {
  const [, release, before] = /^(\d+\.\d+\.\d+)(-.+)?$/.exec(version ?? '') ?? []
  if (release === undefined) return false
  const have = release.split('.').map(Number)
  const want = least.split('.').map(Number)
  for (const [index, part] of want.entries()) {
    const difference = (have[index] ?? 0) - part
    if (difference !== 0) return difference > 0
  }
  return before === undefined
}
