import { z } from 'zod'
import { parseAddressRange } from './address-range.ts'
import { listOf, quantity } from './fields.ts'
import { parseRate, parseSize } from './quantity.ts'

/** What one client may use up: the same for what an address is and for what a user is. */
function share(who: string) {
  return {
    requests: z
      .number()
      .positive()
      .max(1_000_000)
      .nullable()
      .prefault(null)
      .describe(`Requests a second of ${who}, in the long run; null: no limit.`),
    burst: z
      .int()
      .min(1)
      .max(1_000_000)
      .prefault(200)
      .describe('How many of them may come at once.'),
    openUploads: z
      .int()
      .min(1)
      .nullable()
      .prefault(256)
      .describe(`Uploads that ${who} may have open; null: no limit.`),
    downloadRate: quantity(parseRate)
      .nullable()
      .prefault(null)
      .describe(`Bytes a second that ${who} gets, like 50MiB; null: no limit.`),
    uploadRate: quantity(parseRate)
      .nullable()
      .prefault(null)
      .describe(`Bytes a second that are taken from ${who}, like 50MiB; null: no limit.`),
  }
}

const address = z.strictObject({
  connections: z
    .int()
    .min(1)
    .nullable()
    .prefault(512)
    .describe('Connections of an address at once; null: no limit of its own.'),
  ...share('an address'),
})

const user = z.strictObject(share('a user'))

/** Section `limits`. */
export const limits = z.strictObject({
  blob: quantity(parseSize)
    .prefault('100GiB')
    .describe('The largest blob that is accepted, like 100GiB.'),
  uploads: quantity(parseSize)
    .nullable()
    .prefault(null)
    .describe('Bytes that all unfinished uploads together may have, like 500GiB; null: no limit.'),
  peerRate: quantity(parseRate)
    .nullable()
    .prefault(null)
    .describe('Bytes a second that another node gets of us at most, like 50MiB; null: no limit.'),
  minUploadRate: quantity(parseSize)
    .nullable()
    .prefault('512B')
    .describe(
      'Bytes a second that an upload must bring, over half a minute; a slower one is cut off, and can be resumed; null: any byte will do.',
    ),
  minDownloadRate: quantity(parseSize)
    .nullable()
    .prefault('512B')
    .describe(
      'Bytes a second that a reader must take, over a minute; a slower one is cut off; null: some bytes a minute will do.',
    ),
  exempt: listOf(parseAddressRange)
    .prefault(['127.0.0.0/8', '::1'])
    .describe('IP addresses, or ranges like 10.0.0.0/8, that limits.address is not for.'),
  address: address
    .prefault({})
    .describe('What one client address may use up; all addresses of an IPv6 /64 count as one.'),
  user: user.prefault({}).describe('What one user who has logged in may use up, from wherever.'),
})
