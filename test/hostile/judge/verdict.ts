import { hexOf, tryParseDigest } from '../../../src/oci/digest.ts'
import { tryParseName, tryParseTag } from '../../../src/oci/name.ts'
import { FIRST_BYTE_MS } from './ask.ts'
import type { Got } from './ask.ts'
import type { Question } from './questions.ts'

/** What to do about an answer: it is right, it is none and may be asked for again, or it must not be. */
export type Verdict =
  | { readonly is: 'right' | 'none' }
  | {
      readonly is: 'wrong'
      readonly why: string
      /** It may only have come too late: on a machine that is busy with other things that says nothing. */
      readonly isLate?: boolean
    }

const RIGHT: Verdict = { is: 'right' }
const NONE: Verdict = { is: 'none' }

/** Judges one answer by itself. */
export function judge(question: Question, got: Got): Verdict {
  const { status, isComplete, firstByteMs } = got
  if (firstByteMs > FIRST_BYTE_MS) return late(`nothing came for ${Math.round(firstByteMs)} ms`)
  if (status === 0 || !isComplete) return NONE
  // "Could not be had" is an answer; a fault of our own is not.
  if (status === 503 || status === 504) return NONE
  if (status === 404) return question.isHonest ? late('404, and the next mirror has it') : NONE
  if (status === 416 && question.range !== undefined && !question.isHonest) return NONE
  if (status !== (question.range === undefined ? 200 : 206)) return wrong(`status ${status}`)
  if (question.method === 'HEAD') return RIGHT
  return judgeBody(question, got)
}

function judgeBody({ rule, range }: Question, got: Got): Verdict {
  switch (rule.kind) {
    case 'tag':
      return judgeTagged(got)
    case 'list':
      return judgeList(rule, got)
    case 'content': {
      const { digest, truth } = rule
      if (range !== undefined) {
        const part = truth?.subarray(range.offset, range.offset + range.length)
        const isIt = part === undefined || (got.body !== undefined && got.body.equals(part))
        return isIt ? RIGHT : wrong(`${got.bytes} bytes of a range that are not the content`)
      }
      if (got[digest.startsWith('sha512') ? 'sha512' : 'sha256'] === hexOf(digest)) return RIGHT
      return wrong(`${got.bytes} bytes that are not the content`)
    }
  }
}

/** A mirror's owner says what a tag is; the digest must be right, and the type must be that of the document. */
function judgeTagged({ headers, sha256, body }: Got): Verdict {
  const digest = String(headers['docker-content-digest'])
  if (digest !== `sha256:${sha256}`) return wrong(`a manifest that is not ${digest}`)
  const document = JSON.parse(body?.toString() ?? 'null') as { mediaType?: string } | null
  const { mediaType = headers['content-type'] } = document ?? {}
  if (mediaType !== headers['content-type'])
    return wrong(`a manifest of ${mediaType} as ${headers['content-type']}`)
  return RIGHT
}

function judgeList(
  { of, has }: Extract<Question['rule'], { kind: 'list' }>,
  { body, headers }: Got,
): Verdict {
  const document = JSON.parse(body?.toString() ?? 'null') as {
    tags?: string[]
    repositories?: string[]
    manifests?: { digest: string }[]
  } | null
  const names =
    (of === 'tags'
      ? document?.tags
      : of === 'names'
        ? document?.repositories
        : document?.manifests?.map(({ digest }) => digest)) ?? []
  const parse = { tags: tryParseTag, names: tryParseName, referrers: tryParseDigest }[of]
  const bad = names.find((name) => parse(name) === undefined)
  if (bad !== undefined) return wrong(`${JSON.stringify(bad.slice(0, 80))} is listed in ${of}`)
  const missing = has.filter((name) => !names.includes(name))
  // What is behind the end of a full page is not missing.
  if (missing.length > 0 && headers['link'] === undefined)
    return late(`${missing.join()} is not listed in ${of}`)
  return RIGHT
}

function late(why: string): Verdict {
  return { is: 'wrong', why, isLate: true }
}

function wrong(why: string): Verdict {
  return { is: 'wrong', why }
}
