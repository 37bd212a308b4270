import { MissingBlockError } from '../blocks/block-store.ts'
import { RAW, cidFromHash } from '../blocks/cids.ts'
import { LiveSet } from '../blocks/live-set.ts'
import { Pace } from '../blocks/pace.ts'
import { RegistryError } from '../oci/errors.ts'
import { isDamage } from '../tree/damage.ts'
import { Marker } from '../tree/mark.ts'
import type { Abortable } from '../registry/ports.ts'
import type { CID } from 'multiformats/cid'
import type { RollbackBounds } from './rollback-bounds.ts'
import type { Storage } from './storage.ts'

/** What a rollback works with. */
type RollbackParts = Pick<Storage, 'history' | 'lane' | 'blocks'> & {
  isReadOnly: boolean
  /** For one that a client asks for. */
  bounds?: RollbackBounds | undefined
}

/**
 * Makes our tree what it was under a root, as a new commit: nothing of what was between is lost, and it can be rolled back
 * in turn. Tells what that changes first.
 *
 * @param text the root's CID, or the number of its commit
 * @throws RegistryError DENIED when it was never ours or is no longer kept, UNAVAILABLE when it is not here as a whole, and
 * as the bounds; then nothing has changed
 */
export async function* rollback(
  parts: RollbackParts,
  text: string,
  { dryRun, signal }: Abortable & { dryRun: boolean },
): AsyncGenerator<object> {
  const { history, lane, isReadOnly, bounds } = parts
  if (isReadOnly)
    throw new RegistryError('DENIED', { message: 'this node is read-only (ipns.writeKey is null)' })
  const roots = await history.roots(text) // from here on the collector leaves them alone
  for (const root of [roots.public, roots.private])
    if (root !== undefined) await checkWhole(root, parts, { signal })
  await bounds?.check(lane.roots, roots, { signal })
  yield* history.difference(lane.roots, roots, { signal })
  if (dryRun) return
  await lane.restore(roots, { signal, check: () => bounds?.checkAgain() })
  yield { rolledBack: roots.public.toString() }
}

/** Reads every node, and looks for every leaf. */
async function checkWhole(root: CID, { blocks }: RollbackParts, options: Abortable): Promise<void> {
  const leaves: Uint8Array[] = []
  const pace = new Pace(0.5)
  const marker = new Marker({ live: new LiveSet(), read: (cid) => blocks.get(cid), pace })
  try {
    const onLeaf = (hash: Uint8Array): void => void leaves.push(Uint8Array.from(hash))
    await marker.mark(root, { ...options, onLeaf })
    for (const hash of leaves) {
      await pace.turn(options)
      const cid = cidFromHash(RAW, hash)
      if (!(await blocks.has(cid))) throw new MissingBlockError(cid)
    }
  } catch (error) {
    if (!isDamage(error)) throw error
    throw new RegistryError('UNAVAILABLE', {
      message: `${root} is not here as a whole, so nothing was changed: ${String(error)}`,
      cause: error,
    })
  }
}
