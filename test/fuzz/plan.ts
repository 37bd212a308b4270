import type { ManifestPlan } from './manifest-plan.ts'

/*
 * What the generator makes: plans are plain data, so that fast-check can shrink and print them. Texts in them may have
 * holes (`⟦upload:2⟧`) that are filled from what earlier answers said when the step is played (see `world.ts`).
 */

/** What a request's body is made of. */
export type BodyPlan =
  | { kind: 'none' }
  /** A part of one of the contents (`content.ts`); `from` and `to` are fractions of its length. */
  | { kind: 'content'; content: number; from: number; to: number }
  | { kind: 'manifest'; manifest: ManifestPlan }
  | { kind: 'text'; text: string }
  | { kind: 'bytes'; base64: string }
  /** So many times the same text: nesting without end, or only length. */
  | { kind: 'repeated'; text: string; times: number }

/** How the end of a body is told. */
export type Framing = 'length' | 'chunked' | 'expect'

/** A request as RFC 9112 has it, whatever it asks for. */
export interface RequestPlan {
  method: string
  /** Printable ASCII without spaces once its holes are filled. */
  target: string
  headers: [string, string][]
  body: BodyPlan
  framing: Framing
  /** In how many pieces it is written. */
  pieces: number
}

/** What is no HTTP request any more; `how` names it (see `illegal.ts`). */
export interface IllegalPlan {
  request: RequestPlan
  how: string
  /** Where in it, as a fraction. */
  at: number
}

/** One thing that a client does on its connection. */
export type Step =
  | { do: 'send'; request: RequestPlan }
  /** All at once, and then the answers. */
  | { do: 'pipeline'; requests: RequestPlan[] }
  /** Goes away after a part of the request, or behind all of it, without waiting for the answer. */
  | { do: 'abort'; request: RequestPlan; at: number }
  | { do: 'illegal'; illegal: IllegalPlan }
  /** The same as `send`, over the daemon's Unix socket; or goes away when the answer begins. */
  | { do: 'control'; request: RequestPlan; leaves: boolean }
