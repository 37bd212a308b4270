import fc from 'fast-check'

/** One fault in a JSON document: in its structure, or in its bytes. `where` is a fraction of what there is. */
export type Mutation =
  | { kind: 'delete' | 'repeat' | 'wrap'; where: number[] }
  | { kind: 'replace'; where: number[]; value: unknown }
  | { kind: 'insert'; where: number[]; key: string; value: unknown }
  | { kind: 'flip' | 'cut'; at: number; bit: number }
  | { kind: 'splice'; at: number; text: string }
  | { kind: 'nest'; where: number[]; depth: number }

/** Values that parsers trip over. */
const STRANGE: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  1.5,
  2 ** 53,
  1e308,
  '',
  '\0',
  '\ud800',
  'sha256:',
  `sha256:${'a'.repeat(64)}`,
  'application/vnd.docker.distribution.manifest.v1+json',
  'a'.repeat(5000),
  [],
  {},
  [[[[]]]],
  { digest: 'sha256:../../x', size: 1, mediaType: 'a/b' },
]

/** Text that is JSON for some and not for others, or ends it early. */
const SNIPPETS = [
  '"schemaVersion":2,',
  '\ufeff',
  '\u0000',
  '{"a":1}',
  ',',
  '}',
  ']',
  '"',
  '\\',
  '\\u0000',
  '\\ud800',
  '// comment\n',
  '1e400',
  '-0',
  '0x10',
  'NaN',
  ' '.repeat(1000),
  '\r\n',
  '/*',
  "'",
]

const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const where = fc.array(place, { minLength: 1, maxLength: 4 })
const strange = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...STRANGE) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
)

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ kind: fc.constantFrom('delete', 'repeat', 'wrap'), where }),
  fc.record({ kind: fc.constant('replace'), where, value: strange }),
  fc.record({
    kind: fc.constant('insert'),
    where,
    key: fc.oneof(
      fc.constantFrom('layers', 'manifests', 'config', 'fsLayers', 'Digest', '__proto__', 'size'),
      fc.string({ maxLength: 5 }),
    ),
    value: strange,
  }),
  fc.record({ kind: fc.constantFrom('flip', 'cut'), at: place, bit: fc.nat(7) }),
  fc.record({
    kind: fc.constant('splice'),
    at: place,
    text: fc.oneof(fc.constantFrom(...SNIPPETS), fc.string({ unit: 'binary', maxLength: 4 })),
  }),
  fc.record({ kind: fc.constant('nest'), where, depth: fc.constantFrom(1, 63, 64, 100, 20_000) }),
)

/** Some faults, seldom many. */
export const mutations: fc.Arbitrary<Mutation[]> = fc.array(mutation, {
  minLength: 1,
  maxLength: 4,
})

/** A document with those faults: first those of its structure, then those of its bytes. */
export function mutate(value: unknown, faults: readonly Mutation[]): Buffer {
  let tree = structuredClone(value)
  for (const fault of faults) if ('where' in fault) tree = restructure(tree, fault, fault.where)
  let bytes: Buffer = Buffer.from(stringify(tree))
  for (const fault of faults) if (!('where' in fault)) bytes = scramble(bytes, fault)
  return bytes
}

type Structural = Extract<Mutation, { where: number[] }>

/** A mark that {@link stringify} turns into brackets: nesting that no recursion of ours has to build. */
interface Nested {
  '⟦nested⟧': number
}

function restructure(tree: unknown, fault: Structural, [first = 0, ...deeper]: number[]): unknown {
  if (typeof tree !== 'object' || tree === null) return changed(tree, fault)
  const keys = Object.keys(tree)
  const key = keys[Math.floor(first * keys.length)]
  if (key === undefined) return changed(tree, fault)
  const inner = (tree as Record<string, unknown>)[key]
  if (deeper.length > 0 && typeof inner === 'object' && inner !== null)
    return withEntry(tree, key, restructure(inner, fault, deeper))
  if (fault.kind === 'delete') return withoutEntry(tree, key)
  return withEntry(tree, key, changed(inner, fault))
}

function changed(value: unknown, fault: Structural): unknown {
  switch (fault.kind) {
    case 'delete':
      return null
    case 'wrap':
      return [value]
    case 'repeat':
      return Array.isArray(value)
        ? [...(value as unknown[]), ...(value as unknown[])]
        : [value, value]
    case 'replace':
      return fault.value
    case 'insert':
      return typeof value === 'object' && value !== null && !Array.isArray(value)
        ? withEntry(value, fault.key, fault.value)
        : { [fault.key]: fault.value }
    case 'nest':
      return { '⟦nested⟧': fault.depth } satisfies Nested
  }
}

/** By definition, not assignment: `__proto__` is a key like any other here. */
function withEntry(tree: object, key: string, value: unknown): object {
  const copy = (Array.isArray(tree) ? [...(tree as unknown[])] : { ...tree }) as object
  const how = { value, enumerable: true, configurable: true, writable: true }
  return Object.defineProperty(copy, key, how)
}

function withoutEntry(tree: object, key: string): object {
  if (Array.isArray(tree)) return tree.filter((_, index) => String(index) !== key)
  return Object.fromEntries(Object.entries(tree).filter(([name]) => name !== key))
}

function stringify(tree: unknown): string {
  return (JSON.stringify(tree) ?? 'undefined').replace(
    /\{"⟦nested⟧":(\d{1,5})\}/g,
    (_, depth: string) => '['.repeat(Number(depth)) + ']'.repeat(Number(depth)),
  )
}

function scramble(bytes: Buffer, fault: Exclude<Mutation, Structural>): Buffer {
  const at = Math.floor(fault.at * bytes.length)
  if (fault.kind === 'cut') return bytes.subarray(0, at)
  if (fault.kind === 'splice')
    return Buffer.concat([bytes.subarray(0, at), Buffer.from(fault.text), bytes.subarray(at)])
  const copy = Buffer.from(bytes)
  if (copy.length > 0) copy[at] = (copy[at] ?? 0) ^ (1 << fault.bit)
  return copy
}
