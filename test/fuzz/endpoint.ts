import fc from 'fast-check'
import { NO_BODY } from './bodies.ts'
import type { Header } from './headers.ts'
import type { BodyPlan } from './plan.ts'

/** What a route asks for, before anything is done to it. */
export interface Basics {
  method: string
  target: string
  headers?: Header[]
  body?: BodyPlan
  /** Who it says that it is; without it, as any client does. */
  credentials?: Header[]
}

/** Requests of one kind. */
export interface Endpoint {
  /** `METHOD path` as the router's table has it; absent: they are for addresses that nothing is at, or by luck. */
  readonly route?: string
  /** How often, beside others. */
  readonly weight: number
  readonly requests: fc.Arbitrary<Basics>
}

/** Any request of those kinds. */
export function anyOf(endpoints: readonly Endpoint[]): fc.Arbitrary<Basics> {
  return fc.oneof(
    ...endpoints.map(({ weight, requests }) => ({
      weight: Math.max(1, Math.round(weight * 10)),
      arbitrary: requests,
    })),
  )
}

/** Requests with that method, to such a target. */
export function request(
  method: fc.Arbitrary<string>,
  target: fc.Arbitrary<string>,
  rest: { headers?: fc.Arbitrary<Header[]>; body?: fc.Arbitrary<BodyPlan> } = {},
): fc.Arbitrary<Basics> {
  const { headers = fc.constant([]), body = NO_BODY } = rest
  return fc.record({ method, target, headers, body })
}

/** Puts texts together. */
export function join(...parts: (string | fc.Arbitrary<string>)[]): fc.Arbitrary<string> {
  const all = parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part))
  return fc.tuple(...all).map((texts) => texts.join(''))
}
