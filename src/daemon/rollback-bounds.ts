import { RegistryError } from '../oci/errors.ts'
import { immutable } from '../registry/standing.ts'
import { readOnlyError } from '../registry/uploads.ts'
import type { Abortable, StandingRules } from '../registry/ports.ts'
import type { ChangeWatch } from '../tree/change-watch.ts'
import type { Roots } from '../tree/own-source.ts'
import type { Storage } from './storage.ts'

interface BoundsParts {
  readonly history: Pick<Storage['history'], 'difference' | 'reader'>
  readonly rules: StandingRules
  /** Begun before the roots were read that are gone back from. */
  readonly watch: ChangeWatch
}

/**
 * What holds for a rollback that comes over HTTP, from an administrator too: nothing changes where the registry only reads,
 * and tags that stay are neither moved nor removed. Whoever runs the daemon may do both, by its socket.
 */
export class RollbackBounds {
  readonly #parts: BoundsParts

  private constructor(parts: BoundsParts) {
    this.#parts = parts
  }

  /** @throws RegistryError UNSUPPORTED when the registry only reads */
  static of(parts: BoundsParts): RollbackBounds {
    if (parts.rules.readOnly) throw readOnlyError('access.readOnly')
    return new RollbackBounds(parts)
  }

  /**
   * Looks through what would change.
   *
   * @throws RegistryError DENIED that names the first tag that must stay
   */
  async check(from: Roots, to: Roots, options: Abortable): Promise<void> {
    const { history, rules } = this.#parts
    const target = history.reader(to)
    for await (const difference of history.difference(from, to, options)) {
      if (difference.kind !== 'tag' || difference.change === 'added') continue
      const { name, tag } = difference
      if (!rules.isImmutable(name, tag)) continue
      // A repository that was in the other of our two trees is removed from the one, and is in the other.
      if ((await target.resolveTag(name, tag, options)) !== difference.from)
        throw immutable(name, [tag])
    }
  }

  /** The same inside of the commit, of what was pushed since. @throws RegistryError UNAVAILABLE: to be tried again */
  checkAgain(): void {
    const { rules, watch } = this.#parts
    if (rules.readOnly) throw readOnlyError('access.readOnly')
    if (!watch.hasChangedAny((name) => rules.hasImmutable(name))) return
    throw new RegistryError('UNAVAILABLE', {
      message:
        'repositories with immutable tags were pushed to meanwhile, so nothing was changed: try again',
    })
  }
}
