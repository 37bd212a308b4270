/*
 * A process on a host of the capture: it starts daemons and strangers there, and does with them what it is told, one
 * line of JSON at a time.
 */
import { randomBytes } from 'node:crypto'
import { createInterface } from 'node:readline'
import { CID } from 'multiformats/cid'
import { sha256 } from 'multiformats/hashes/sha2'
import { MissingBlockError } from '../../../src/blocks/block-store.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { RegistryClient } from '../../support/client.ts'
import { DaemonProcess } from '../../support/daemon-process.ts'
import { randomImage } from '../../support/random-image.ts'
import { startNode } from '../nodes.ts'
import type { NetworkConfig } from '../../../src/ipfs/config.ts'

const MiB = 1024 * 1024

/** What a daemon is started with. */
export interface StartOptions {
  readonly daemon: string
  readonly network: Partial<NetworkConfig>
  readonly mirrors: readonly string[]
}

/** What a stranger does. */
export interface Visit {
  readonly network: Partial<NetworkConfig>
  /** Whom it tries to reach. */
  readonly addresses: readonly string[]
  /** What it asks for. */
  readonly cids: readonly string[]
}

const daemons = new Map<string, DaemonProcess>()

function daemonCalled(name: string): DaemonProcess {
  const daemon = daemons.get(name)
  if (daemon === undefined) throw new Error(`no daemon is called ${name}`)
  return daemon
}

const clientOf = (name: string) => new RegistryClient(daemonCalled(name).url)

/** What can be asked of a host. */
export const actions = {
  async start({ daemon: name, network, mirrors }: StartOptions) {
    const daemon = await DaemonProcess.start({ config: { network }, mirrors, timeout: 120_000 })
    daemons.set(name, daemon)
    return { name: daemon.ipnsName, addresses: (await daemon.status()).addresses }
  },

  async stop(name: string) {
    await daemonCalled(name).remove()
    daemons.delete(name)
  },

  /** Pushes an image; gives the CID of its largest layer, which is one block. */
  async push(name: string, tag: string) {
    const image = randomImage({ layers: [700_000, 3_000_000] })
    await clientOf(name).pushImage('app', image, { tag })
    const layer = image.blobs.find(({ bytes }) => bytes.length === 700_000)
    return (await rawCid(layer?.bytes ?? new Uint8Array(0))).toString()
  },

  /** Begins an upload that nobody finishes; gives the CID of its first leaf. */
  async upload(name: string) {
    const client = clientOf(name)
    const bytes = randomBytes(2 * MiB)
    await client.patch(await client.startUpload('app'), bytes)
    return (await rawCid(bytes.subarray(0, MiB))).toString()
  },

  /** Waits until a mirror has what its source has now. */
  async follow(name: string, root: string) {
    await daemonCalled(name).until(({ mirrors }) => mirrors[0]?.root === root, { timeout: 120_000 })
  },

  async root(name: string) {
    return (await daemonCalled(name).status()).storage.root
  },

  async pull(name: string, tag: string) {
    const client = clientOf(name)
    const { bytes } = await client.manifest('app', tag)
    const manifest = JSON.parse(bytes.toString()) as { layers: { digest: string }[] }
    for (const { digest } of manifest.layers) {
      const blob = await client.blob('app', digest)
      if (digestOf(blob) !== digest) throw new Error(`${digest} came as something else`)
    }
    return manifest.layers.length
  },

  /** Who it could connect to, and which blocks it was given. */
  async visit({ network, addresses, cids }: Visit) {
    const node = await startNode({ config: network })
    try {
      const reached = await node.dial(addresses)
      const given: boolean[] = []
      for (const cid of cids) given.push(await gets(node, CID.parse(cid)))
      return { reached, given }
    } finally {
      await node.stop()
    }
  },
}

export type Actions = typeof actions

async function gets(
  node: { fetchBlock(cid: CID): Promise<Uint8Array> },
  cid: CID,
): Promise<boolean> {
  try {
    await node.fetchBlock(cid)
    return true
  } catch (error) {
    if (error instanceof MissingBlockError) return false
    throw error
  }
}

async function rawCid(bytes: Uint8Array): Promise<CID> {
  return CID.createV1(0x55, await sha256.digest(bytes))
}

interface Order {
  readonly action: keyof Actions
  readonly parameters: readonly unknown[]
}

async function obey({ action, parameters }: Order): Promise<object> {
  try {
    const act = actions[action] as (...given: readonly unknown[]) => Promise<unknown>
    return { result: await act(...parameters) }
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

if (import.meta.main) {
  for await (const line of createInterface({ input: process.stdin }))
    process.stdout.write(`${JSON.stringify(await obey(JSON.parse(line) as Order))}\n`)
  for (const daemon of daemons.values()) await daemon.remove()
}
