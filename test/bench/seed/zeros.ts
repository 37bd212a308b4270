import { createHash } from 'node:crypto'
import type { Digest } from '../../../src/oci/digest.ts'

const LEAF = Buffer.alloc(2 ** 20)
const LEAVES = 1024

/** A blob of 1 GiB and a few bytes: zeros, and at its end its number, so that no two have the same digest. */
export interface Zeros {
  readonly digest: Digest
  bytes(): AsyncIterable<Uint8Array>
}

/** The hash of 1 GiB of zeros, from which all of them go on. */
let whole: ReturnType<typeof createHash> | undefined

export function zeros(number: number): Zeros {
  if (whole === undefined) {
    whole = createHash('sha256')
    for (let at = 0; at < LEAVES; at++) whole.update(LEAF)
  }
  const end = Buffer.from(String(number))
  return {
    digest: `sha256:${whole.copy().update(end).digest('hex')}` as Digest,
    async *bytes() {
      for (let at = 0; at < LEAVES; at++) yield LEAF
      yield end
    },
  }
}
