import type { Step } from './step.ts'
import type { Answer, Request } from './wire.ts'
import type { Both, Upload, World } from './world.ts'

/** One step as it was played: what was asked of both, and what they said. */
export interface Exchange {
  readonly step: Step
  readonly world: World
  /** The upload that the step is about, as it was before. */
  readonly upload?: Upload | undefined
  readonly requests: Both<Request>
  readonly heliport: Answer
  readonly reference: Answer
  /** Names of the sequence's own that a listing gave: on its first page, and on all together. */
  readonly names?: Both<ListedNames>
}

export interface ListedNames {
  readonly page: readonly string[]
  readonly all: readonly string[]
}

/** Where two answers differ: the status, the error codes, the body, or one header by its name in lower case. */
export interface Difference {
  readonly aspect: string
  readonly heliport: string
  readonly reference: string
}

/** The JSON in a body; `undefined` when it is none. */
export function jsonOf({ body }: Answer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** The error codes in a body, joined by commas; `undefined` when it has none. */
export function codesOf(answer: Answer): string | undefined {
  const json = jsonOf(answer) as { errors?: { code?: unknown }[] } | null | undefined
  if (!Array.isArray(json?.errors)) return undefined
  return [...new Set(json.errors.map(({ code }) => String(code)))].join(',')
}

export function headerOf({ headers }: Answer, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

/** The page that a `Link` header names next, as a path with a query. */
export function nextPage(answer: Answer): string | undefined {
  const match = /^<([^>]+)>;\s*rel="?next"?$/.exec(headerOf(answer, 'link') ?? '')
  return match?.[1]
}
