import { z } from 'zod'
import { RegistryError } from '../oci/errors.ts'
import { nearest } from '../oci/nearest.ts'
import { readWhole } from './body.ts'
import type { ApiContext, ApiLimits } from './context.ts'

/** Requests of commands are small; an RSA key is 3 KB. */
const MAX_REQUEST_BYTES = 64 * 1024
/** Problems that are told at once; a request can have thousands of keys that are none. */
const MAX_TOLD = 5
/** Of a key that is none, characters that are repeated. */
const MAX_KEY = 64

/**
 * Reads a JSON request; an empty one is `{}`.
 *
 * @throws RegistryError UNSUPPORTED with 400 (or 413) when it is not what the schema says, in words
 */
export async function readRequest<T>(
  { req, res }: ApiContext,
  schema: z.ZodType<T>,
  { bodyIdleMs }: ApiLimits,
): Promise<T> {
  const tooLarge = (): Error => badRequest('the request is too long', 413)
  const bytes = await readWhole(req, res, {
    idleMs: bodyIdleMs,
    limit: MAX_REQUEST_BYTES,
    tooLarge,
  })
  return parsed(schema, parseJson(Buffer.from(bytes).toString('utf8')))
}

/** @throws RegistryError UNSUPPORTED with 400, which says what is wrong with each key */
export function parsed<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const known = schema instanceof z.ZodObject ? Object.keys(schema.shape) : []
  const told = result.error.issues.flatMap((issue) => wordsOf(issue, known))
  throw badRequest(told.slice(0, MAX_TOLD).join('; '))
}

function parseJson(text: string): unknown {
  if (text.trim() === '') return {}
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) throw badRequest('the request is not JSON')
    throw error
  }
}

function wordsOf(issue: z.core.$ZodIssue, known: readonly string[]): string[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.slice(0, MAX_TOLD).map((key) => unknownKey(key, known))
  const message = sentence(issue)
  return [issue.path.length === 0 ? message : `${issue.path.join('.')} ${message}`]
}

function unknownKey(key: string, known: readonly string[]): string {
  const meant = nearest(key, known)
  const hint =
    meant !== undefined
      ? `did you mean ${meant}`
      : known.length === 0
        ? 'there are none here'
        : `there are ${known.join(', ')}`
  // As it is where that is plain; else as JSON, which shows where it ends.
  const plain = /^[\w.-]{1,64}$/.test(key) ? key : JSON.stringify(key.slice(0, MAX_KEY))
  return `unknown key ${plain} (${hint})`
}

/** Follows the key, so it begins with a verb; without one it stands alone. */
function sentence(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.path.length === 0) return 'the request must be a JSON object, like {}'
      // The schema has nothing optional without a default, so this is what a missing key looks like.
      if (issue.message.endsWith('received undefined')) return 'is missing'
      return `must be ${TYPES[issue.expected] ?? issue.expected}`
    case 'too_small':
      return 'must not be empty'
    case 'too_big':
      return `must not have more than ${String(issue.maximum)} characters`
    case 'invalid_format':
      return issue.format === 'base64' ? 'must be base64' : issue.message
    default:
      return issue.message
  }
}

const TYPES: Readonly<Record<string, string>> = { boolean: 'true or false', string: 'text' }

function badRequest(message: string, status = 400): RegistryError {
  return new RegistryError('UNSUPPORTED', { status, message })
}
