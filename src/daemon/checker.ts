import { CID } from 'multiformats/cid'
import { CheckedBlocks } from '../blocks/checked-blocks.ts'
import { DamagedBlockError } from '../blocks/block-store.ts'
import { RAW, cidFromHash } from '../blocks/cids.ts'
import { Pace } from '../blocks/pace.ts'
import { tryParseDigest } from '../oci/digest.ts'
import { RegistryError } from '../oci/errors.ts'
import { isDamage } from '../tree/damage.ts'
import { DirectoryReader } from '../tree/directory.ts'
import { Inventory } from '../tree/inventory.ts'
import { NodeCache } from '../tree/node-cache.ts'
import { ADVICE, looseAdvice } from './advice.ts'
import { checkEnd } from './check-end.ts'
import { CommitCheck } from './check-commits.ts'
import { findConcerned } from './concerned.ts'
import { Findings } from './findings.ts'
import { fsckReport, newFsckRun } from './fsck-report.ts'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { StoredBlocks } from '../blocks/stored-blocks.ts'
import type { Abortable } from '../registry/ports.ts'
import type { AdviceWorld } from './advice.ts'
import type { Concern, FsckPhase, FsckReport, FsckRun } from './fsck-report.ts'
import type { LostEnd } from './regain.ts'
import type { Storage } from './storage.ts'

/** Memory for nodes when it is looked whom a damage concerns, in bytes. */
const CACHE_BYTES = 8 * 1024 * 1024

/** What a {@link Checker} works with. */
export interface CheckerParts {
  readonly storage: Pick<
    Storage,
    'blocks' | 'healer' | 'journal' | 'lane' | 'opened' | 'state' | 'uploads' | 'cache'
  >
  /** What to do when the journal lost its end. */
  readonly end: LostEnd
  /** Where the state database is as it was, when it had to be rebuilt before this check. */
  readonly rebuilt?: string | undefined
  /** Whether there may be peers that have what is lost. */
  readonly isOnline: boolean
  /** How much of the time it works; the rest is for those who push and pull. */
  readonly share: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** How a check is to go. */
export interface CheckOptions extends Abortable {
  readonly repair: boolean
  /** With `repair`: goes on without what the journal lost, where it cannot be brought back. */
  readonly acceptLoss?: boolean
}

/**
 * Checks everything that is stored against what it should be, while everything else goes on. One check runs at a time.
 * Without `repair` it changes nothing at all. With it, what is damaged is set aside and asked for; nothing that is whole is
 * touched.
 */
export class Checker implements AsyncDisposable {
  readonly #parts: CheckerParts
  readonly #stop = new AbortController()
  #running: Promise<unknown> | undefined

  constructor(parts: CheckerParts) {
    this.#parts = parts
  }

  get isRunning(): boolean {
    return this.#running !== undefined
  }

  /**
   * @param onRun gets what is kept up to date while it runs
   * @throws RegistryError DENIED when one runs already; the disk's error when nothing can be read; the signal's reason
   */
  async check(
    { repair, acceptLoss = false, signal }: CheckOptions,
    onRun: (run: FsckRun) => void = () => undefined,
  ): Promise<FsckReport> {
    if (this.#running !== undefined)
      throw new RegistryError('DENIED', { message: 'a check runs already' })
    const run = newFsckRun(repair, this.#parts.now())
    onRun(run)
    const stop = this.#stop.signal
    const either = signal === undefined ? stop : AbortSignal.any([signal, stop])
    const running = new Check(this.#parts, run, { acceptLoss, signal: either }).run()
    this.#running = running
    try {
      return await running
    } finally {
      this.#running = undefined
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('the node stops'))
    await this.#running?.catch(() => undefined) // whoever began it is told
  }
}

interface HowToCheck {
  readonly acceptLoss: boolean
  readonly signal: AbortSignal
}

/** One check. */
class Check {
  readonly #parts: CheckerParts
  readonly #run: FsckRun
  readonly #options: { readonly signal: AbortSignal }
  readonly #acceptLoss: boolean
  /** Whether what is looked at is of a published tree that is not noted as such: its marks are lost. */
  #isOpen = false
  readonly #pace: Pace
  readonly #findings: Findings
  readonly #stored: StoredBlocks
  readonly #blocks: CheckedBlocks
  readonly #world: AdviceWorld
  #commits: CommitCheck | undefined

  constructor(parts: CheckerParts, run: FsckRun, { acceptLoss, signal }: HowToCheck) {
    this.#parts = parts
    this.#run = run
    this.#options = { signal }
    this.#acceptLoss = acceptLoss
    this.#pace = new Pace(parts.share)
    this.#findings = new Findings(run)
    this.#world = { repair: run.repair, isOnline: parts.isOnline }
    this.#stored = parts.storage.blocks.stored()
    this.#blocks = new CheckedBlocks({
      stored: this.#stored,
      mend: run.repair ? (cid, failure, options) => this.#mend(cid, failure, options) : undefined,
      onMended: (cid, failure) => this.#mended(cid, failure),
      onWhole: (bytes) => {
        run.checked.blocks++
        run.checked.bytes += bytes
      },
    })
  }

  async run(): Promise<FsckReport> {
    const run = this.#run
    await this.#part('count', async () => {
      run.total = await this.#stored.count(this.#options)
    })
    using commits = new CommitCheck({
      ...this.#parts,
      run,
      blocks: this.#blocks,
      pace: this.#pace,
      findings: this.#findings,
      world: this.#world,
    })
    this.#commits = commits
    this.#tellRebuilt()
    await this.#part('trees', () => this.#end())
    await this.#part('trees', () => commits.run(this.#options))
    await this.#part('uploads', () => this.#uploads())
    await this.#part('blocks', () => this.#rest())
    await this.#part('claims', () => this.#claims())
    await this.#part('places', () => this.#places())
    return fsckReport(run, this.#findings.list, this.#parts.now())
  }

  /** A database that cannot be read ends a part of the check, not all of it. */
  async #part(phase: FsckPhase, work: () => Promise<void>): Promise<void> {
    this.#run.phase = phase
    try {
      await work()
    } catch (error) {
      this.#options.signal.throwIfAborted()
      if (!(error instanceof Error) || !/corrupt/i.test(`${codeOf(error)} ${error.message}`))
        throw error
      const message = `the state database is damaged: ${error.message}`
      this.#findings.add({ kind: 'database', message, advice: ADVICE.database })
    }
  }

  #tellRebuilt(): void {
    const { rebuilt } = this.#parts
    if (rebuilt === undefined) return
    const message = `the state database could not be opened, and was rebuilt from what could be read of it; as it was, it is in ${rebuilt}`
    this.#findings.add({ kind: 'database', message, advice: ADVICE.nothing, mended: true })
  }

  async #end(): Promise<void> {
    const { end } = this.#parts
    const onTree = (isPublished: boolean): void => void (this.#isOpen = isPublished)
    const parts = { end, blocks: this.#blocks, pace: this.#pace, findings: this.#findings, onTree }
    const how = { repair: this.#run.repair, acceptLoss: this.#acceptLoss, ...this.#options }
    await checkEnd(parts, how)
  }

  async #mend(cid: CID, failure: Error, options: BlockOptions): Promise<Uint8Array> {
    const { blocks, healer } = this.#parts.storage
    if (this.#isOpen) blocks.link([cid])
    await this.#stored.setAside(cid)
    const kept = await this.#inMemory(cid)
    if (kept !== undefined) {
      await blocks.put(cid, kept, options)
      await blocks.sync()
      return kept
    }
    // What no tree ever linked nobody else has, and nobody needs.
    if (this.#run.phase !== 'trees' && !(await blocks.isLinked(cid))) throw failure
    return healer.heal(cid, failure, options)
  }

  /** Small blocks that were in use lately may be whole in memory. */
  async #inMemory(cid: CID): Promise<Uint8Array | undefined> {
    try {
      return await this.#parts.storage.blocks.get(cid)
    } catch {
      return undefined // what is wrong with the block on the disk is known already
    }
  }

  #mended(cid: CID, failure: Error): void {
    const { at: path, commit } = this.#commits ?? {}
    const found = { kind: 'block', block: cid.toString(), message: failure.message } as const
    this.#findings.add({ ...found, path, commit, advice: ADVICE.nothing, mended: true })
  }

  async #uploads(): Promise<void> {
    const { uploads } = this.#parts.storage
    for await (const { id, leaves, isUsable, damagedAt } of uploads.sessions(this.#options)) {
      this.#run.checked.uploads++
      const found = { kind: 'upload', path: ['uploads', id] } as const
      if (!isUsable) {
        const message = 'its log does not begin as one does'
        this.#findings.add({ ...found, message, advice: ADVICE.session })
      }
      if (damagedAt !== undefined) {
        const message = `its log is damaged at byte ${damagedAt}: what was kept after it is lost`
        this.#findings.add({ ...found, message, advice: ADVICE.upload })
      }
      for (const hash of leaves) {
        const failure = await this.#failureOf(cidFromHash(RAW, hash))
        // It may have ended meanwhile, and its blocks with it.
        if (failure === undefined || !(await uploads.has(id))) continue
        const { message } = failure
        const block = cidFromHash(RAW, hash).toString()
        this.#findings.add({ ...found, block, message, advice: ADVICE.upload })
      }
    }
  }

  async #failureOf(cid: CID): Promise<Error | undefined> {
    await this.#pace.turn(this.#options)
    try {
      await this.#blocks.get(cid, this.#options)
      return undefined
    } catch (error) {
      if (!isDamage(error) || !(error instanceof Error)) throw error
      return error
    }
  }

  /** Blocks that are in no tree of ours: a mirror's, what was uploaded and not used, garbage. */
  async #rest(): Promise<void> {
    for await (const hex of this.#stored.hashes(this.#options)) {
      const cid = cidFromHash(RAW, Buffer.from(hex, 'hex'))
      if (this.#blocks.wasSeen(cid)) continue
      const failure = await this.#failureOf(cid)
      // What is missing was listed a moment ago, and collected since.
      if (!(failure instanceof DamagedBlockError)) continue
      const isAside = this.#run.repair && (await this.#stored.size(cid)) === undefined
      this.#findings.add({
        kind: 'block',
        block: cid.toString(),
        message: failure.message,
        advice: looseAdvice(this.#world, isAside),
        mended: isAside,
      })
    }
  }

  /** What was proven of mirrors' contents. An entry that is none only costs a proof. */
  async #claims(): Promise<void> {
    const map = this.#parts.storage.state.map('trust')
    for await (const [key] of map.entries()) {
      this.#run.checked.claims++
      await this.#pace.turn(this.#options)
      if (isClaim(key)) continue
      if (this.#run.repair) await map.delete(key)
      this.#findings.add({
        kind: 'claim',
        message: 'what was noted of a mirror’s content is not readable',
        path: ['trust', key.slice(0, 200)],
        advice: this.#run.repair ? ADVICE.nothing : ADVICE.claim,
        mended: this.#run.repair,
      })
    }
  }

  /** Which repositories and tags have what is damaged. */
  async #places(): Promise<void> {
    const directories = new DirectoryReader(this.#blocks, new NodeCache(CACHE_BYTES))
    const places = new Map<string, readonly Concern[]>()
    const unplaced = this.#findings.unplaced()
    for (const root of this.#commits?.newest ?? []) {
      const inventory = new Inventory(root, directories, this.#options)
      const parts = { inventory, pace: this.#pace, ...this.#options }
      for (const [digest, concerned] of await findConcerned(unplaced, parts))
        places.set(digest, [...(places.get(digest) ?? []), ...concerned])
    }
    this.#findings.place(places)
  }
}

function isClaim(key: string): boolean {
  const [digest, id, ...more] = key.split(' ')
  if (tryParseDigest(digest) === undefined || id === undefined || more.length > 0) return false
  try {
    CID.parse(id)
    return true
  } catch {
    return false // whatever else it is, it is no CID
  }
}

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : ''
}
