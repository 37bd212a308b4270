import fc from 'fast-check'
import { CONTENTS, SMALL_CONTENTS } from './content.ts'
import { badManifest, goodManifest } from './manifest-plan.ts'
import { usually } from './texts.ts'
import type { ManifestPlan } from './manifest-plan.ts'
import type { BodyPlan } from './plan.ts'

export const NO_BODY: fc.Arbitrary<BodyPlan> = fc.constant({ kind: 'none' })

/** Bodies like requests that a confused server might take for such. */
const SMUGGLED = [
  'DELETE /v2/⟦kept⟧/manifests/latest HTTP/1.1\r\nHost: localhost\r\n\r\n',
  '0\r\n\r\nDELETE /v2/⟦kept⟧/manifests/latest HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n',
]

const number = fc.oneof(
  { weight: 30, arbitrary: fc.nat(SMALL_CONTENTS - 1) },
  { weight: 1, arbitrary: fc.nat(CONTENTS - 1) },
)

/** All of a content. */
export const wholeContent: fc.Arbitrary<BodyPlan> = number.map((content) => ({
  kind: 'content',
  content,
  from: 0,
  to: 1,
}))

const fraction = fc.constantFrom(0, 0.1, 0.25, 0.5, 0.75, 0.9, 1)
const partOfContent: fc.Arbitrary<BodyPlan> = fc
  .record({ content: number, from: fraction, to: fraction })
  .map((part) => ({ kind: 'content', ...part }))

/** What nobody asked for. */
export const strangeBody: fc.Arbitrary<BodyPlan> = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes): BodyPlan => {
    return { kind: 'bytes', base64: Buffer.from(bytes).toString('base64') }
  }),
  fc.json({ maxDepth: 3 }).map((text): BodyPlan => ({ kind: 'text', text })),
  fc.constantFrom(...SMUGGLED).map((text): BodyPlan => ({ kind: 'text', text })),
  fc.record({
    kind: fc.constant('repeated' as const),
    text: fc.constantFrom('[', '{"a":', '"', '\\', '{"a":1},', ' ', '\0'),
    times: fc.constantFrom(1, 64, 1000, 70_000),
  }),
)

/** Larger than any manifest may be; seldom, for it takes time to send. */
const hugeBody: fc.Arbitrary<BodyPlan> = fc
  .constantFrom(' ', '[', '{"mediaType":"')
  .map((text) => ({
    kind: 'repeated',
    text,
    times: Math.ceil((4 * 1024 * 1024 + 1) / text.length),
  }))

/** What may be sent as a blob, or a part of one. */
export const blobBody = usually(
  5,
  usually(3, wholeContent, partOfContent),
  usually(3, strangeBody, NO_BODY),
)

const asBody = (manifest: ManifestPlan): BodyPlan => ({ kind: 'manifest', manifest })

/** What may be sent as a manifest. */
export const manifestBody: fc.Arbitrary<BodyPlan> = fc.oneof(
  { weight: 60, arbitrary: goodManifest.map(asBody) },
  { weight: 50, arbitrary: badManifest.map(asBody) },
  { weight: 20, arbitrary: strangeBody },
  { weight: 5, arbitrary: NO_BODY },
  { weight: 1, arbitrary: hugeBody },
)
