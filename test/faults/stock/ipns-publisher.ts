import { join } from 'node:path'
import { IPNSEntry, ipns } from '@helia/ipns'
import { LevelDatastore } from 'datastore-level'
import { base36 } from 'multiformats/bases/base36'
import { ipnsName } from '../../../src/naming/name.ts'
import { readRecord } from '../../../src/naming/record.ts'
import { rootOf } from '../../../src/naming/root-value.ts'
import { place } from './place.ts'
import type { IPNS, IPNSComponents } from '@helia/ipns'
import type { CID } from 'multiformats/cid'
import type { IpnsName } from '../../../src/naming/name.ts'
import type {
  Publisher as OurPublisher,
  PublisherComponents,
  PublisherOptions,
  PublisherStatus,
} from '../../../src/naming/publisher.ts'

type Face = Pick<OurPublisher, keyof OurPublisher>

/** The key's name in the keychain, by the built-in configuration. */
const KEY = 'registry'

/**
 * @helia/ipns in the place of our publisher, without anybody else in the network. Before it publishes it resolves its
 * own name, as one must who wants to know which root and sequence are out.
 */
export class Publisher implements Face {
  readonly name: IpnsName
  readonly #components: PublisherComponents
  readonly #lifetime: number
  readonly #datastore = new LevelDatastore(join(place.path, 'ipns'))
  #ipns: IPNS | undefined
  #wanted: CID | undefined
  #published: { root: CID | undefined; sequence: bigint } | undefined
  #failure: string | undefined
  #last: Promise<void> = Promise.resolve()

  constructor(components: PublisherComponents, { lifetime }: PublisherOptions) {
    this.#components = components
    this.#lifetime = lifetime
    this.name = ipnsName(components.key.publicKey.toCID().toV1().toString(base36))
  }

  async start(): Promise<void> {
    this.#last = this.#open()
    await this.#last
  }

  async stop(): Promise<void> {
    await this.#last
    await this.#datastore.close()
  }

  publish(root: CID): void {
    this.#wanted = root
    this.#last = this.#last.then(() => this.#publish(root))
  }

  move(): void {}

  announced(): Promise<CID[]> {
    const root = this.#published?.root
    return Promise.resolve(root === undefined ? [] : [root])
  }

  takeOver(): undefined {
    return undefined
  }

  status(): PublisherStatus {
    const root = this.#published?.root
    return {
      name: this.name.text,
      root: this.#wanted?.toString(),
      publishedRoot: root?.toString(),
      sequence: (this.#published?.sequence ?? 0n).toString(),
      publishedAt: undefined,
      pending: this.#wanted !== undefined && root?.equals(this.#wanted.toV1()) !== true,
      conflict: undefined,
      error: this.#failure,
    }
  }

  async #open(): Promise<void> {
    await this.#datastore.open()
    this.#ipns = ipns(componentsOf(this.#datastore, this.#components))
    await this.#resolve()
  }

  async #publish(root: CID): Promise<void> {
    if (this.#ipns === undefined || root !== this.#wanted) return
    try {
      await this.#resolve()
      const { record } = await this.#ipns.publish(KEY, root, { lifetime: this.#lifetime })
      await this.#note(record)
      this.#failure = undefined
    } catch (error) {
      this.#failure = String(error) // it is tried again with the next root; the status tells
    }
  }

  /** What is out under our name. */
  async #resolve(): Promise<void> {
    const found = this.#ipns?.resolve(this.#components.key.publicKey, { offline: true }) ?? []
    try {
      for await (const { record } of found) await this.#note(record)
    } catch (error) {
      if (!(error instanceof Error && error.name === 'RecordNotFoundError')) throw error
    }
  }

  async #note(record: IPNSEntry): Promise<void> {
    const bytes = IPNSEntry.encode(record)
    const { sequence, value } = await readRecord(this.name, bytes, this.#components.keychain)
    this.#published = { root: rootOf(value), sequence }
  }
}

/** Nobody else is in its network. */
function componentsOf(
  datastore: LevelDatastore,
  { keychain }: PublisherComponents,
): IPNSComponents {
  const silent = (): void => undefined
  const log = Object.assign(silent, { enabled: false, error: silent, trace: silent })
  return {
    datastore,
    keychain,
    events: new EventTarget(),
    logger: { forComponent: () => log },
    routing: { put: () => Promise.resolve() },
  } as unknown as IPNSComponents
}
