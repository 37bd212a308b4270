import { tryParseDigest } from '../../src/oci/digest.ts'
import { Violation } from './oracle.ts'
import { KEPT, SECRET } from './names.ts'
import { decoded } from './render.ts'
import { headerOf } from './wire-answer.ts'
import type { Request } from './render.ts'
import type { WireAnswer } from './wire-answer.ts'

const CHANGES: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])

/**
 * What must hold beside all else where users have their rights, whoever of the generator's users asks: what is kept cannot
 * be changed, and nothing of what is secret is told.
 *
 * @param secrets the digests of all that is secret
 * @throws Violation
 */
export function judgeGuarded(
  { method, target }: Pick<Request, 'method' | 'target'>,
  answer: WireAnswer,
  secrets: ReadonlySet<string>,
): void {
  const [path = ''] = decoded(target).split('?')
  const { status, body } = answer
  if (status === 401 && headerOf(answer, 'www-authenticate') === undefined)
    throw new Violation('a 401 does not say how to log in')
  if (status >= 400) return
  const isDoor = path.startsWith('/v2/')
  if (isDoor && CHANGES.has(method) && path.includes(`/${KEPT}/`))
    throw new Violation(`what is kept was changed: ${status}`)
  if (isDoor && path.includes(`/${SECRET}/`))
    throw new Violation(`what is secret was given: ${status}`)
  const digest = tryParseDigest(headerOf(answer, 'docker-content-digest'))
  if (digest !== undefined && secrets.has(digest)) throw new Violation('a secret digest was given')
  if (isDoor && body.length < 1_000_000 && body.includes(SECRET))
    throw new Violation('the name of what is secret was told')
}
