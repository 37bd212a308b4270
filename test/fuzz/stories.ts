import fc from 'fast-check'
import { SOCKET_ROUTES } from './control-routes.ts'
import { anyOf } from './endpoint.ts'
import { logIn } from './tokens.ts'
import { illegal } from './illegal.ts'
import { goodManifest } from './manifest-plan.ts'
import { wholeContent } from './bodies.ts'
import { dressed, plain, requests } from './requests.ts'
import { REPOSITORIES, rarely, tag, usually } from './texts.ts'
import type { ManifestPlan } from './manifest-plan.ts'
import type { BodyPlan, RequestPlan, Step } from './plan.ts'

/*
 * Steps that belong together, so that the fuzzing gets past the door: pushes as clients make them, in which at most a
 * few steps are wrong. What single steps at random would never reach is reached by these.
 */

const repository = fc.nat(REPOSITORIES - 1).map((n) => `⟦repo:${n}⟧`)
const send = (request: RequestPlan): Step => ({ do: 'send', request })

const single: fc.Arbitrary<Step[]> = requests.map((request) => [send(request)])

const pipeline: fc.Arbitrary<Step[]> = fc
  .array(requests, { minLength: 2, maxLength: 6 })
  .map((all) => [{ do: 'pipeline', requests: all }])

const abort: fc.Arbitrary<Step[]> = fc
  .record({ request: requests, at: fc.constantFrom(0.1, 0.5, 0.9, 0.99, 1) })
  .map((how) => [{ do: 'abort', ...how }])

const broken: fc.Arbitrary<Step[]> = illegal.map((each) => [{ do: 'illegal', illegal: each }])

/** A blob in chunks, between which something else may be sent. */
const chunkedUpload: fc.Arbitrary<Step[]> = fc
  .record({
    repository,
    content: fc.nat(43),
    cuts: fc.constantFrom([0, 1], [0, 0.5, 1], [0, 0.25, 0.5, 1], [0, 0.9, 1]),
    ranged: fc.boolean(),
    inPut: fc.boolean(),
    between: rarely(2, requests),
  })
  .map(({ repository: name, content, cuts, ranged, inPut, between }) => {
    const parts = cuts
      .slice(1)
      .map((to, n): BodyPlan => ({ kind: 'content', content, from: cuts[n] ?? 0, to }))
    const last = inPut ? parts.pop() : undefined
    const headers: [string, string][] = ranged ? [['Content-Range', '⟦chunk:0⟧']] : []
    const patches = parts.map((body) =>
      plain({ method: 'PATCH', target: '⟦upload:0⟧', headers, body }),
    )
    return [
      plain({ method: 'POST', target: `/v2/${name}/blobs/uploads/` }),
      ...patches,
      ...(between === null ? [] : [between]),
      plain({
        method: 'PUT',
        target: '⟦upload:0⟧?digest=⟦uploaded:0⟧',
        ...(last === undefined ? {} : { body: last }),
      }),
      plain({ method: 'GET', target: `/v2/${name}/blobs/⟦sha256:${content}⟧` }),
    ].map(send)
  })

const atOnce = (name: string, body: BodyPlan): RequestPlan =>
  plain({ method: 'POST', target: `/v2/${name}/blobs/uploads/?digest=⟦own⟧`, body })

/** An image with its blobs, read again, and perhaps deleted. */
const image: fc.Arbitrary<Step[]> = fc
  .record({
    repository,
    manifest: goodManifest,
    tag: usually(5, fc.constantFrom('latest', 't0', 't1'), tag),
    by: fc.constantFrom('tag', 'digest', 'digest and tags'),
    after: fc.array(fc.constantFrom('pull', 'head', 'refer', 'mount', 'untag', 'delete'), {
      maxLength: 4,
    }),
  })
  .map(({ repository: name, manifest, tag: word, by, after }) => {
    const reference = by === 'tag' ? word : `⟦own⟧${by === 'digest' ? '' : `?tag=${word}&tag=t2`}`
    const put = plain({
      method: 'PUT',
      target: `/v2/${name}/manifests/${reference}`,
      headers: [['Content-Type', '⟦type⟧']],
      body: { kind: 'manifest', manifest },
    })
    const blobs = [...new Set(manifest.blobs)].map((content) =>
      atOnce(name, { kind: 'content', content, from: 0, to: 1 }),
    )
    return [...blobs, put, ...after.map((what) => afterwards(what, name, word, manifest))].map(send)
  })

function afterwards(
  what: string,
  name: string,
  word: string,
  { blobs }: ManifestPlan,
): RequestPlan {
  const repositoryPath = `/v2/${name}`
  switch (what) {
    case 'pull':
      return plain({ method: 'GET', target: `${repositoryPath}/manifests/${word}` })
    case 'head':
      return plain({ method: 'HEAD', target: `${repositoryPath}/blobs/⟦sha256:${blobs[0] ?? 0}⟧` })
    case 'refer':
      return plain({ method: 'GET', target: `${repositoryPath}/referrers/⟦manifest:1⟧` })
    case 'mount':
      return plain({
        method: 'POST',
        target: `/v2/⟦repo:5⟧/blobs/uploads/?mount=⟦sha256:${blobs[0] ?? 0}⟧&from=${name}`,
      })
    case 'untag':
      return plain({ method: 'DELETE', target: `${repositoryPath}/manifests/${word}` })
    default:
      return plain({ method: 'DELETE', target: `${repositoryPath}/manifests/⟦manifest:0⟧` })
  }
}

/** The daemon's Unix socket, which only its owner can open. */
const control: fc.Arbitrary<Step[]> = fc
  .tuple(dressed(anyOf(SOCKET_ROUTES)), fc.nat(5))
  .map(([request, chance]) => {
    // Whoever checks or collects mostly goes away when it has begun, and ends it by that.
    const isLong = /\/(fsck|gc)$/.test(request.target)
    return [{ do: 'control', request, leaves: isLong ? chance < 5 : chance < 1 }]
  })

/** A blob in one request, of any size. */
const blob: fc.Arbitrary<Step[]> = fc
  .tuple(repository, wholeContent)
  .map(([name, body]) => [send(atOnce(name, body))])

const story: fc.Arbitrary<Step[]> = fc.oneof(
  { weight: 60, arbitrary: single },
  { weight: 8, arbitrary: image },
  { weight: 6, arbitrary: chunkedUpload },
  { weight: 4, arbitrary: blob },
  { weight: 4, arbitrary: pipeline },
  { weight: 10, arbitrary: broken },
  { weight: 4, arbitrary: abort },
  { weight: 3, arbitrary: control },
)

/**
 * What one client does, from its first connection to its last.
 *
 * @param options `logsIn`: mostly it begins with a token, which a daemon gives it that asks for one
 */
export function sequences({ logsIn }: { logsIn: boolean }): fc.Arbitrary<Step[]> {
  const login = logsIn
    ? usually(
        12,
        logIn.map((basics) => [send(plain(basics))]),
        none,
      )
    : none
  return fc
    .tuple(login, fc.array(story, { maxLength: 16 }))
    .map(([first, stories]) => [...first, ...stories.flat()])
}

const none = fc.constant<Step[]>([])
