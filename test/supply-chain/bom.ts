import { createHash } from 'node:crypto'
import { nameAt } from './lock.ts'
import type { Lock, LockedPackage } from './lock.ts'

/** A part of the bill (CycloneDX 1.6, "component"). */
export interface Component {
  readonly 'bom-ref': string
  readonly type: 'application' | 'library'
  readonly name: string
  readonly version: string
  readonly purl: string
  readonly scope?: 'required' | 'optional'
  readonly hashes?: readonly { alg: 'SHA-512'; content: string }[]
  readonly licenses?: readonly object[]
}

/** A bill of materials (CycloneDX 1.6, JSON). */
export interface Bom {
  readonly $schema: string
  readonly bomFormat: 'CycloneDX'
  readonly specVersion: '1.6'
  readonly serialNumber: string
  readonly version: 1
  readonly metadata: { readonly component: Component; readonly lifecycles: readonly object[] }
  readonly components: readonly Component[]
  readonly dependencies: readonly { ref: string; dependsOn: readonly string[] }[]
}

/**
 * What is installed with us, made from the lock file alone: the same lock gives the same bytes, without a time, a host or
 * a path. Everything that `npm ci --omit=dev` may install is in it, on any platform, peers of dependencies too.
 */
export function billOf(lock: Lock): Bom {
  const entries = Object.entries(lock.packages).filter(([, { dev, link }]) => !dev && !link)
  const components = new Map<string, Component>()
  const dependencies = new Map<string, Set<string>>()
  for (const [path, locked] of entries) {
    const component = componentOf(path, locked, lock)
    const ref = component['bom-ref']
    // The same package at two places is one component; what it finds there may differ.
    if (path !== '') components.set(ref, merged(components.get(ref), component))
    const edges = dependencies.get(ref) ?? new Set()
    for (const needed of neededBy(path, locked, lock)) edges.add(needed)
    dependencies.set(ref, edges)
  }
  const body = {
    version: 1 as const,
    metadata: {
      lifecycles: [{ phase: 'pre-build' }],
      component: componentOf('', lock.packages[''] ?? {}, lock),
    },
    components: [...components.values()].toSorted(by((component) => component['bom-ref'])),
    dependencies: [...dependencies]
      .map(([ref, edges]) => ({ ref, dependsOn: [...edges].toSorted() }))
      .toSorted(by(({ ref }) => ref)),
  }
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(JSON.stringify(body))}`,
    ...body,
  }
}

function componentOf(path: string, locked: LockedPackage, lock: Lock): Component {
  const name = path === '' ? lock.name : nameAt(path)
  const version = (path === '' ? lock.version : locked.version) ?? ''
  const purl = `pkg:npm/${name.replace(/^@/, '%40')}@${version}`
  const { integrity, license } = locked
  return {
    'bom-ref': purl,
    type: path === '' ? 'application' : 'library',
    name,
    version,
    purl,
    ...(path === '' ? {} : { scope: locked.optional === true ? 'optional' : 'required' }),
    ...(integrity === undefined ? {} : { hashes: [{ alg: 'SHA-512', content: hexOf(integrity) }] }),
    ...(license === undefined ? {} : { licenses: [licenceOf(license)] }),
  }
}

/** Needed at one place is needed. */
function merged(known: Component | undefined, component: Component): Component {
  return known?.scope === 'required' ? known : component
}

/** What is no expression of SPDX is a name. */
function licenceOf(text: string): object {
  if (/ (OR|AND) /.test(text)) return { expression: text.replace(/^\((.*)\)$/, '$1') }
  return {
    license: /^[A-Za-z0-9.-]+$/.test(text) && text !== 'BSD' ? { id: text } : { name: text },
  }
}

function* neededBy(path: string, locked: LockedPackage, lock: Lock): Generator<string> {
  const { dependencies, optionalDependencies, peerDependencies } = locked
  for (const name of Object.keys({
    ...peerDependencies,
    ...optionalDependencies,
    ...dependencies,
  })) {
    const found = resolve(path, name, lock)
    const needed = found === undefined ? undefined : lock.packages[found]
    // An optional peer need not be there.
    if (found !== undefined && needed !== undefined && needed.dev !== true)
      yield componentOf(found, needed, lock)['bom-ref']
  }
}

/** Node's own way: beside the package that asks, then further and further up. */
function resolve(path: string, name: string, { packages }: Lock): string | undefined {
  for (let above = path; ;) {
    const place = `${above === '' ? '' : `${above}/`}node_modules/${name}`
    if (packages[place] !== undefined) return place
    if (above === '') return undefined
    above = above.slice(0, Math.max(0, above.lastIndexOf('node_modules/') - 1))
  }
}

function hexOf(integrity: string): string {
  return Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex')
}

/** A UUID (version 8) that stands for this content. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex')
  const [a, b, c, d, e] = [
    [0, 8],
    [8, 12],
    [13, 16],
    [17, 20],
    [20, 32],
  ].map(([from, to]) => hex.slice(from, to))
  return `${a}-${b}-8${c}-8${d}-${e}`
}

function by<T>(key: (item: T) => string): (a: T, b: T) => number {
  return (a, b) => (key(a) < key(b) ? -1 : Number(key(a) > key(b)))
}
