import { MissingBlockError } from '../blocks/block-store.ts'
import { RAW, cidFromHash } from '../blocks/cids.ts'
import { LiveSet } from '../blocks/live-set.ts'
import { Pace } from '../blocks/pace.ts'
import { RegistryError } from '../oci/errors.ts'
import { isDamage } from '../tree/damage.ts'
import { Marker } from '../tree/mark.ts'
import type { Abortable } from '../registry/ports.ts'
import type { Roots } from '../tree/own-source.ts'
import type { CID } from 'multiformats/cid'
import type { RollbackBounds } from './rollback-bounds.ts'
import type { Storage } from './storage.ts'

/** What a rollback works with. */
export type RollbackParts = Pick<Storage, 'history' | 'lane' | 'blocks' | 'opened'> & {
  isReadOnly: boolean
  /** For one that a client asks for. */
  bounds?: RollbackBounds | undefined
}

/** How far a rollback is. */
export interface RollbackProgress {
  phase: 'check' | 'compare' | 'commit'
  /** Blocks that were looked at. */
  done: number
}

/**
 * Makes our tree what it was under a root, as a new commit: nothing of what was between is lost, and it can be rolled back
 * in turn. Tells what that changes first.
 *
 * @param text the root's CID, or the number of its commit
 * @param options `progress`: kept up to date
 * @throws RegistryError DENIED when it was never ours or is no longer kept, UNAVAILABLE when it is not here as a whole, and
 * as the bounds; then nothing has changed
 */
export async function* rollback(
  parts: RollbackParts,
  text: string,
  {
    dryRun,
    signal,
    progress = newProgress(),
  }: Abortable & { dryRun: boolean; progress?: RollbackProgress },
): AsyncGenerator<object> {
  const { history, lane, opened, isReadOnly, bounds } = parts
  if (isReadOnly)
    throw new RegistryError('DENIED', { message: 'this node is read-only (ipns.writeKey is null)' })
  const roots = await history.roots(text)
  using held = new DisposableStack() // it may take longer than a root is kept that was looked at
  const now = lane.roots
  for (const root of [...treesOf(roots), ...treesOf(now)]) held.use(opened.hold(root))
  await history.roots(String(roots.sequence)) // a collection that did not see the hold has trimmed it before
  for (const root of treesOf(roots)) await checkWhole(root, parts, progress, { signal })
  progress.phase = 'compare'
  await bounds?.check(now, roots, { signal })
  yield* history.difference(now, roots, { signal })
  if (dryRun) return
  progress.phase = 'commit'
  await lane.restore(roots, { signal, check: () => bounds?.checkAgain() })
  yield { rolledBack: roots.public.toString() }
}

function treesOf({ public: published, private: hidden }: Roots): CID[] {
  return hidden === undefined ? [published] : [published, hidden]
}

/** Before it has begun. */
export function newProgress(): RollbackProgress {
  return { phase: 'check', done: 0 }
}

/** Reads every node, and looks for every leaf. */
async function checkWhole(
  root: CID,
  { blocks }: RollbackParts,
  progress: RollbackProgress,
  options: Abortable,
): Promise<void> {
  const leaves: Uint8Array[] = []
  const pace = new Pace(0.5)
  const read = (cid: CID): Promise<Uint8Array | undefined> => {
    progress.done++
    return blocks.get(cid)
  }
  const marker = new Marker({ live: new LiveSet(), read, pace })
  try {
    const onLeaf = (hash: Uint8Array): void => void leaves.push(Uint8Array.from(hash))
    await marker.mark(root, { ...options, onLeaf })
    for (const hash of leaves) {
      await pace.turn(options)
      progress.done++
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
