import { z } from 'zod'
import { schema } from './schema.ts'

/** How an option is written in an environment variable. */
type OptionKind = 'section' | 'map' | 'list' | 'boolean' | 'number' | 'text'

/** One key of the configuration file. */
export interface Option {
  /** `['storage', 'delete', 'enabled']` */
  readonly path: readonly string[]
  /** `REGISTRY_STORAGE_DELETE_ENABLED` */
  readonly variable: string
  readonly kind: OptionKind
  readonly description: string
}

/** The prefix that CNCF Distribution uses too. */
export const VARIABLE_PREFIX = 'REGISTRY_'

/** Every option, sections before their keys, as the schema lists them. */
export const OPTIONS: readonly Option[] = [...walk(schema, [])]

/** The option at a path; `undefined` when there is none. */
export function optionAt(path: readonly PropertyKey[]): Option | undefined {
  const key = path.join('.')
  return OPTIONS.find((option) => option.path.join('.') === key)
}

function* walk(object: z.ZodObject, above: readonly string[]): Generator<Option> {
  for (const [key, type] of Object.entries(object.shape)) {
    const path = [...above, key]
    const inner = core(type)
    yield {
      path,
      variable: VARIABLE_PREFIX + path.join('_').toUpperCase(),
      kind: kindOf(inner),
      description: type.description ?? '',
    }
    if (inner instanceof z.ZodObject) yield* walk(inner, path)
  }
}

/** The type below defaults, `null` and transformations: what the file holds. */
function core(type: z.core.$ZodType): z.core.$ZodType {
  if (type instanceof z.ZodPrefault || type instanceof z.ZodNullable) return core(type.unwrap())
  return type instanceof z.ZodPipe ? core(type.in) : type
}

function kindOf(type: z.core.$ZodType): OptionKind {
  if (type instanceof z.ZodObject) return 'section'
  if (type instanceof z.ZodArray) return 'list'
  if (type instanceof z.ZodRecord) return 'map'
  if (type instanceof z.ZodNumber) return 'number'
  return type instanceof z.ZodBoolean ? 'boolean' : 'text'
}
