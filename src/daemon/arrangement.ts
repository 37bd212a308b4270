import { isDamage } from '../tree/damage.ts'
import { StartError } from '../ipfs/errors.ts'
import { forgetReplicas } from './replica-state.ts'
import type { Logger } from 'pino'
import type { CID } from 'multiformats/cid'
import type { PublishRules } from '../oci/publish-rules.ts'
import type { Storage } from './storage.ts'

/** The rules that our trees were arranged by. */
const RULES = 'rules'

/** What {@link arranged} works with. */
export interface ArrangeOptions {
  readonly log: Logger
  readonly signal: AbortSignal
}

/** The published tree is another one now, in which nothing was arranged: it will be at the end of this start. */
export function forgetArrangement(state: Storage['state']): Promise<void> {
  return state.map('arranged').delete(RULES)
}

/**
 * Sees to it that each repository is in the tree that the rules of the configuration want it in, before anything is
 * published or given to peers. Looks at the trees only when the rules are not those of the last start.
 *
 * @returns whether peers may have a block
 * @throws StartError when the trees cannot be read as far as that needs
 */
export async function arranged(
  { lane, state, blocks }: Pick<Storage, 'lane' | 'state' | 'blocks'>,
  rules: PublishRules,
  { log, signal }: ArrangeOptions,
): Promise<(cid: CID) => Promise<boolean>> {
  const servable = (cid: CID): Promise<boolean> => blocks.isLinked(cid)
  const map = state.map('arranged')
  const known = Buffer.from((await map.get(RULES)) ?? '').toString('utf8')
  if (known === rules.text) return servable
  const nobody = (): Promise<boolean> => Promise.resolve(false)
  if (lane.stopped !== undefined) return nobody // nothing can be moved, and what is to be private may be linked
  await forgetReplicas(state.map('replicas')) // what is taken from peers now may be in them
  try {
    const moved = lane.isNew ? 0 : await lane.arrange({ signal })
    if (moved > 0)
      log.warn(
        { moved },
        'repositories were moved between the published tree and the one that is not published, as the configuration says; what was published before cannot be called back from those who have it',
      )
  } catch (error) {
    if (!isDamage(error)) throw error
    throw new StartError(
      `the configuration changes which repositories are published, and the tree cannot be read to do so: ${String(error)}. Run heliport fsck --repair, or start with the repositories section as it was.`,
    )
  }
  await map.put(RULES, Buffer.from(rules.text))
  return servable
}

/** Who can read what is published, in words for the operator. @param mode `network.mode` */
export function readableBy(mode: 'public' | 'lan' | 'private' | 'offline'): string {
  return {
    public: 'everybody in the world who knows the name',
    lan: 'everybody in the local network who knows the name',
    private: 'every node with the swarm key that knows the name',
    offline: 'every program on this machine that knows the name',
  }[mode]
}
