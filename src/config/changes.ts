import { isDeepStrictEqual } from 'node:util'
import { OPTIONS } from './options.ts'
import type { Config } from './schema.ts'

/** The options that are not the same in two configurations, with dots, as the schema lists them. */
export function changedOptions(before: Config, after: Config): string[] {
  return OPTIONS.filter(
    ({ kind, path }) =>
      kind !== 'section' && !isDeepStrictEqual(valueAt(before, path), valueAt(after, path)),
  ).map(({ path }) => path.join('.'))
}

function valueAt(config: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null
        ? (value as Readonly<Record<string, unknown>>)[key]
        : undefined,
    config,
  )
}
