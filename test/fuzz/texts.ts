import fc from 'fast-check'
import { CONTENTS, SMALL_CONTENTS } from './content.ts'

/*
 * The words that requests are made of: names, tags, digests and uploads, right, nearly right and hostile. `⟦…⟧` are holes
 * that the state of the client fills (`world.ts`).
 */

/** A weighted choice, the usual before the strange. */
export function usually<T>(
  weight: number,
  usual: fc.Arbitrary<T>,
  strange: fc.Arbitrary<T>,
): fc.Arbitrary<T> {
  return fc.oneof({ weight, arbitrary: usual }, { weight: 1, arbitrary: strange })
}

/** Nothing, but once in so many times and one. */
export function rarely<T>(weight: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
  return usually<T | null>(weight, fc.constant(null), arbitrary)
}

/** Text of characters that may stand in a request target; few enough to meet those that mean something. */
export const targetText = fc.string({
  unit: fc.constantFrom(...Array.from('ab0AZ._-/:%%%%2200efEF;,=&?@!~*+$()[]{}|^`<>"\\\'')),
  maxLength: 24,
})

/** Visible ASCII, as a header's value may be. */
export const headerText = fc
  .string({ unit: 'grapheme-ascii', maxLength: 40 })
  .map((text) => text.trim())

/** Percent-encodes some of the characters: one time rightly, another time twice. */
export function encoded(words: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(words, fc.array(fc.nat(40), { maxLength: 3 }), fc.constantFrom(1, 1, 1, 2))
    .map(([word, places, times]) => {
      if (word.includes('⟦') || word === '') return word
      const letters = Array.from(word)
      for (const place of places) {
        const at = place % letters.length
        const letter = letters[at] ?? ''
        if (letter.length === 1) letters[at] = percent(letter, times)
      }
      return letters.join('')
    })
}

function percent(letter: string, times: number): string {
  const hex = letter.charCodeAt(0).toString(16).padStart(2, '0')
  return (times === 1 ? '%' : '%25') + hex
}

const NAMES = [
  'a',
  'a--b/c__d',
  'blobs/uploads',
  'x/manifests/y',
  'x/blobs/y',
  'tags/list',
  'referrers',
  'constructor',
  'v2',
  'a'.repeat(255),
]

const HOSTILE_NAMES = [
  '',
  '.',
  '..',
  'a/../b',
  '../../etc/passwd',
  '%2e%2e%2f%2e%2e',
  '%252e%252e',
  'A',
  'a//b',
  '/a',
  'a/',
  'a__-b',
  '-a',
  '_catalog',
  '__proto__',
  '_layers',
  'a/_manifests/tags',
  '%00',
  'a%00b',
  'a%0d%0aX-Injected:%20yes',
  '%ff',
  '%c0%ae%c0%ae',
  '%C3%A9',
  '%d0%b0',
  'a%2fb',
  'a%',
  'a%2',
  'a%zz',
  'a;b=c',
  'a\\b',
  'a:b',
  'a@b',
  'a?b',
  '*name',
  ':name',
  'a'.repeat(256),
  'a/'.repeat(140),
  'a'.repeat(9000),
]

/** Names of the repositories that everybody writes to. */
export const REPOSITORIES = 6

const shared = fc.nat(REPOSITORIES - 1).map((n) => `⟦repo:${n}⟧`)
const strangeName = fc.oneof(
  fc.constantFrom(...NAMES),
  fc.constantFrom(...HOSTILE_NAMES),
  encoded(fc.constantFrom(...NAMES, ...HOSTILE_NAMES)),
  targetText,
)

const ROOT = 'bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi'

/** Roots as they stand in a name: mostly of this registry; once it never had it, and some are none. */
const root = usually(
  4,
  fc.nat(20).map((n) => `⟦root:${n}⟧`),
  fc.constantFrom(ROOT, 'bafy', `baf${'a'.repeat(60)}`, `baf${'7'.repeat(101)}`, 'at', '..', '%00'),
)

/** A repository as it was. */
const snapshot = fc
  .tuple(root, usually(6, fc.oneof(shared, fc.constant('⟦kept⟧')), fc.oneof(strangeName, secret())))
  .map(([at, name]) => `at/${at}/${name}`)

/** A repository's name, as it stands in a path. */
export const repository = fc.oneof(
  { weight: 63, arbitrary: shared },
  { weight: 9, arbitrary: fc.constant('⟦kept⟧') },
  { weight: 6, arbitrary: snapshot },
  { weight: 2, arbitrary: secret() },
  { weight: 9, arbitrary: strangeName },
)

/** What only some users may see, in the present and in the past. */
function secret(): fc.Arbitrary<string> {
  return fc.constantFrom('⟦secret⟧', 'at/⟦root⟧/⟦secret⟧')
}

const HOSTILE_TAGS = [
  '',
  '.a',
  '-a',
  'a'.repeat(128),
  'a'.repeat(129),
  'a%2Fb',
  'a%0d%0aX-Injected:%20yes',
  '%00',
  'é',
  '%C3%A9',
  'sha256-' + 'a'.repeat(64),
  '__proto__',
  'latest%20',
]

/** A tag, as it stands in a path. */
export const tag = usually(
  8,
  fc.constantFrom('latest', 't0', 't1', 't2', 't3', 'V1.0-x_y', '⟦fallback:0⟧', '⟦fallback:2⟧'),
  fc.oneof(fc.constantFrom(...HOSTILE_TAGS), encoded(fc.constantFrom('latest', 't0')), targetText),
)

const HEX = 'a'.repeat(64)
const HOSTILE_DIGESTS = [
  '',
  'sha256:',
  `sha256:${HEX}`,
  `sha512:${HEX}${HEX}`,
  `sha256:${HEX.slice(1)}`,
  `sha256:${HEX}a`,
  `sha256:${HEX.toUpperCase()}`,
  `sha512:${HEX}`,
  `SHA256:${HEX}`,
  `sha256%3A${HEX}`,
  `sha256%253A${HEX}`,
  'sha256:../../x',
  'sha256:..%2f..%2fx',
  'md5:d41d8cd98f00b204e9800998ecf8427e',
  'a:b:c',
  '__proto__:x',
  `sha256:${'a'.repeat(10_000)}`,
  `sha256:${HEX}%0a`,
  `sha256:${HEX}%00`,
  'sha256',
  ':',
]

const known = fc.oneof(
  { weight: 6, arbitrary: fc.nat(SMALL_CONTENTS - 1).map((n) => `⟦sha256:${n}⟧`) },
  { weight: 2, arbitrary: fc.nat(CONTENTS - 1).map((n) => `⟦sha512:${n}⟧`) },
  { weight: 1, arbitrary: fc.nat(CONTENTS - 1).map((n) => `⟦sha256:${n}⟧`) },
  { weight: 6, arbitrary: fc.nat(7).map((n) => `⟦manifest:${n}⟧`) },
  { weight: 2, arbitrary: fc.nat(7).map((n) => `⟦kept:${n}⟧`) },
  { weight: 1, arbitrary: fc.nat(4).map((n) => `⟦hidden:${n}⟧`) },
)

/** A digest, as it stands in a path or a query. */
export const digest = usually(6, known, fc.oneof(fc.constantFrom(...HOSTILE_DIGESTS), targetText))

/** What stands behind `/manifests/`. */
export const reference = fc.oneof(tag, digest)

/** Which of the client's uploads: 0 is the newest. */
export const uploadNumber = fc.oneof(
  { weight: 5, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.nat(4) },
)

/** The path of an upload: mostly one that is open, sometimes in another repository or under another id. */
export function uploadPath(number: number): fc.Arbitrary<string> {
  return usually(
    9,
    fc.constant(`⟦upload:${number}⟧`),
    fc.oneof(
      fc
        .tuple(shared, fc.constantFrom('⟦id⟧', HEX, '..', 'x', '%00', '9', '__proto__'))
        .map(([name, id]) => `/v2/${name}/blobs/uploads/${id}`),
      fc.tuple(shared, targetText).map(([name, id]) => `/v2/${name}/blobs/uploads/${id}`),
      fc.constant(`⟦upload:${number}⟧/`),
    ),
  )
}
