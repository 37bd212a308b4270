import { z } from 'zod'
import { quantity, text } from './fields.ts'
import { parsePath } from './path.ts'
import { parseSize } from './quantity.ts'
import { InvalidValue, quote } from './value.ts'

/** Smaller, and a few lines would push out those before them. */
const LEAST_BYTES = 64 * 1024
const MOST_KEPT = 1000

function parseLogSize(value: string): number {
  const bytes = parseSize(value)
  if (bytes >= LEAST_BYTES) return bytes
  throw new InvalidValue(`is ${quote(value)}: an audit log of less than 64KiB would soon be over`)
}

function parseKept(value: string): number {
  const count = Number(value)
  if (/^\d{1,4}$/.test(value) && count >= 1 && count <= MOST_KEPT) return count
  throw new InvalidValue(`is ${quote(value)}: write a whole number from 1 to ${MOST_KEPT}`)
}

/** `audit`: who changed what, and who was refused. */
export const audit = z.strictObject({
  file: text(parsePath)
    .nullable()
    .prefault(null)
    .describe(
      'The file that gets a line of JSON for each change, made with mode 0600; refusals go to audit.refusals.log beside an audit.log; null: there is none.',
    ),
  maxSize: quantity(parseLogSize)
    .prefault('64MiB')
    .describe(
      'How large each of the two may grow, like 64MiB, before it is called file.1 and a new one begun.',
    ),
  keep: quantity(parseKept)
    .prefault(10)
    .describe('How many such earlier files of each are kept (file.1 to file.10).'),
  pulls: z
    .boolean()
    .prefault(false)
    .describe('Whether each pull of a manifest or blob gets a line too.'),
})
