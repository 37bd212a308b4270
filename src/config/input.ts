import { isObject } from './environment.ts'
import { optionAt } from './options.ts'

/** Values as they were written, before the schema has judged them. */
export type Input = Record<string, unknown>

/** A copy in which empty sections and lists (`peers:` with every entry commented out) are gone. */
export function withoutEmpty(input: Input, above: readonly string[] = []): Input {
  const copy = emptyInput()
  for (const [key, value] of Object.entries(input)) {
    const path = [...above, key]
    const kind = optionAt(path)?.kind
    if (
      value === null &&
      (kind === 'section' ||
        kind === 'map' ||
        (kind === 'list' && path.join('.') !== 'network.listen'))
    )
      continue
    copy[key] = kind === 'section' && isObject(value) ? withoutEmpty(value, path) : value
  }
  return copy
}

/** Sets a value, making the sections above it. Does nothing where something else stands in a section's place. */
export function assign(input: Input, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path
  if (key === undefined) return
  if (rest.length === 0) {
    input[key] = value
    return
  }
  const section = input[key] ?? emptyInput()
  if (!isObject(section)) return
  input[key] = section
  assign(section, rest, value)
}

/** Takes the value at a path out. A list loses all its entries when one of them is meant. */
export function remove(input: Input, path: readonly PropertyKey[]): void {
  const [key, ...rest] = path
  if (typeof key !== 'string') return
  const inner = input[key]
  if (isObject(inner) && rest.length > 0) remove(inner, rest)
  else delete input[key]
}

/** No prototype, so that a key named `__proto__` is a key like any other. */
export function emptyInput(): Input {
  return Object.create(null) as Input
}
