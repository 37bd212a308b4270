import type { Notice } from '../registry/ports.ts'
import type { ApiContext } from './context.ts'

/** distribution-spec, "Warnings": more must not be sent, all headers together. Bytes, with names and line ends. */
const MAX_BYTES = 4096
const LINE_BYTES = 'Warning: \r\n'.length

/** Tells the client why an answer may be out of date or incomplete; most print it, none acts on it. */
export function sendWarnings(ctx: ApiContext, notices: readonly Notice[]): void {
  const values = warningValues(notices.map(sentenceOf))
  if (values.length > 0) ctx.set('Warning', values)
}

/**
 * The values of `Warning` headers for some sentences: as many as may be sent, and how many more there are.
 */
export function warningValues(sentences: readonly string[]): string[] {
  const values: string[] = []
  let left = MAX_BYTES
  for (const [index, sentence] of sentences.entries()) {
    const value = warningValue(sentence)
    const rest = warningValue(`and ${sentences.length - index} more warnings like these`)
    const isLast = index === sentences.length - 1
    const room = left - sizeOf(value) - (isLast ? 0 : sizeOf(rest))
    if (room < 0) {
      if (values.length > 0) values.push(rest)
      break
    }
    values.push(value)
    left -= sizeOf(value)
  }
  return values
}

/** RFC 7234 5.5, as the distribution-spec narrows it: code 299, no agent, no date, a quoted string. */
function warningValue(sentence: string): string {
  const printable = sentence.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 1000)
  return `299 - "${printable.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}

function sizeOf(value: string): number {
  return value.length + LINE_BYTES
}

function sentenceOf({ mirror, kind, since }: Notice): string {
  switch (kind) {
    case 'stale':
      return `mirror ${mirror} may be out of date: its newest state is not known since ${new Date(since ?? 0).toISOString()}`
    case 'outdated':
      return `mirror ${mirror} is out of date and not listed: its newest state is not known since ${new Date(since ?? 0).toISOString()}`
    case 'skipped':
      return `mirror ${mirror} could not be read now: what it has may be missing here`
    case 'waiting':
      return `mirror ${mirror} has not been reached so far: what it has is missing here`
  }
}
