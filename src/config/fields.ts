import { z } from 'zod'
import { InvalidValue } from './value.ts'

type Parse<T> = (text: string) => T

/** What the parser makes of the text; its complaint becomes an issue of the schema. */
function attempt<T>(
  parse: Parse<T>,
  value: string,
  context: z.RefinementCtx,
  path: PropertyKey[] = [],
) {
  try {
    return parse(value)
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error
    context.addIssue({ code: 'custom', path, message: error.message })
    return z.NEVER
  }
}

/** Text that one of our parsers turns into a value. */
export function text<T>(parse: Parse<T>) {
  return z.string().transform((value, context) => attempt(parse, value, context))
}

/** The same, where YAML may take the text for a number. */
export function quantity<T extends number>(parse: Parse<T>) {
  return z
    .union([z.string(), z.number()])
    .transform((value, context) => attempt(parse, String(value), context))
}

/** A list of such texts, in which nothing is named twice (in whatever spelling). */
export function listOf<T>(parse: Parse<T>) {
  return z.array(z.string()).transform((texts, context) => {
    const seen = new Map<string, number>()
    return texts.map((entry, index) => {
      const value = attempt(parse, entry, context, [index])
      if (value === z.NEVER) return value
      const id = JSON.stringify(value)
      const first = seen.get(id)
      if (first === undefined) seen.set(id, index)
      else
        context.addIssue({
          code: 'custom',
          path: [index],
          message: `is the same as entry ${first + 1}: remove one`,
        })
      return value
    })
  })
}

/** Keys and values that are both texts; keys that mean the same stand there once. */
export function mapOf(parseKey: Parse<string>, parseValue: Parse<string>) {
  return z.record(z.string(), z.string()).transform((entries, context) => {
    const map: Record<string, string> = {}
    for (const [text, inner] of Object.entries(entries)) {
      const key = attempt(parseKey, text, context, [text])
      const value = attempt(parseValue, inner, context, [text])
      if (key === z.NEVER || value === z.NEVER) continue
      if (Object.hasOwn(map, key))
        context.addIssue({
          code: 'custom',
          path: [text],
          message: `is there twice, in another case: remove one`,
        })
      map[key] = value
    }
    return map
  })
}
