import { factsOf } from '../tree/path-facts.ts'
import type { Path } from '../tree/layout.ts'
import type { Concern, Finding, FindingKind, FsckRun } from './fsck-report.ts'

/** Findings that are listed; of more only their number is known. */
const LISTED = 1000
/** Whom one finding concerns, at most. */
const CONCERNS = 20

/** Something that was met. */
export interface Met {
  readonly kind: FindingKind
  readonly message: string
  readonly block?: string | undefined
  readonly path?: Path | undefined
  readonly commit?: number | undefined
  readonly concern?: Concern | undefined
  readonly advice: string
  readonly mended?: boolean
}

/** A finding that grows. */
type Growing = Omit<Finding, 'concerns'> & { readonly concerns: Concern[] }

/** What a check finds: each thing once, in however many places it is met. */
export class Findings {
  readonly #run: FsckRun
  readonly #found = new Map<string, Growing>()

  constructor(run: FsckRun) {
    this.#run = run
  }

  get list(): readonly Finding[] {
    return [...this.#found.values()]
  }

  add(met: Met): void {
    const { kind, message, block, path, mended = false } = met
    const text = path?.join('/')
    const key = kind === 'block' ? `${block}` : `${kind} ${block} ${text} ${message}`
    const known = this.#found.get(key)
    const concern = met.concern ?? concernOf(path)
    if (known !== undefined) {
      note(known, concern)
      return
    }
    if (mended) this.#run.mended++
    else this.#run.damaged++
    if (this.#found.size >= LISTED) return
    const { commit, advice } = met
    const finding = {
      kind,
      message,
      block: block ?? null,
      path: text ?? null,
      commit: commit ?? null,
      concerns: [],
      advice,
      mended,
    }
    note(finding, concern)
    this.#found.set(key, finding)
  }

  /** Digests of which it is not known which repositories have them. */
  unplaced(): ReadonlySet<string> {
    const concerns = this.list.flatMap((finding) => finding.concerns)
    const digests = concerns.flatMap(({ repository, digest }) =>
      repository === null && digest !== null ? [digest] : [],
    )
    return new Set(digests)
  }

  /** Tells which repositories and tags a digest concerns. */
  place(places: ReadonlyMap<string, readonly Concern[]>): void {
    for (const { concerns } of this.#found.values()) {
      const found = concerns.flatMap(({ digest }) => places.get(digest ?? '') ?? [])
      for (const concern of found) note({ concerns }, concern)
    }
  }
}

function note({ concerns }: { concerns: Concern[] }, concern: Concern | undefined): void {
  if (concern === undefined || concerns.length >= CONCERNS) return
  const text = JSON.stringify(concern)
  if (!concerns.some((other) => JSON.stringify(other) === text)) concerns.push(concern)
}

function concernOf(path: Path | undefined): Concern | undefined {
  if (path === undefined) return undefined
  const { repository = null, tag = null, digest = null } = factsOf(path)
  return repository === null && digest === null ? undefined : { repository, tag, digest }
}
