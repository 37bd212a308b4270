/**
 * The `lan` mode in two network namespaces of its own, at a switch that leads nowhere else: two nodes find each
 * other by mDNS, and one gets a block from the other. Not a part of `npm test`: it needs Linux, root and iproute2.
 *
 *     sudo node test/ipfs/lan.netns.ts
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { CID } from 'multiformats/cid'
import { MissingBlockError } from '../../src/blocks/block-store.ts'
import { Lan } from '../support/namespaces.ts'
import { randomBlock, startNode } from './nodes.ts'
import { watchNetwork } from './watch.ts'
import type { IpfsNode } from '../../src/ipfs/node.ts'
import type { Namespace } from '../support/namespaces.ts'

const [role, cid] = process.argv.slice(2)
if (role === 'source') await source()
else if (role === 'reader') await reader(cid ?? '')
else await main()

/** Offers a block until its input ends. */
async function source(): Promise<void> {
  const node = await startNode({ config: { mode: 'lan' } })
  const block = await randomBlock(1_000_000)
  await node.blocks.put(block.cid, block.bytes)
  console.log(block.cid.toString())
  await once(process.stdin.resume(), 'end')
  await node.stop()
}

/** Knows nobody, and gets the block. */
async function reader(wanted: string): Promise<void> {
  using watch = watchNetwork()
  const node = await startNode({ config: { mode: 'lan' } })
  const started = performance.now()
  while (node.peers().length === 0) await new Promise((resolve) => void setTimeout(resolve, 50))
  console.log(`found by mDNS after ${Math.round(performance.now() - started)} ms`)
  const block = await fetched(node, CID.parse(wanted))
  assert.equal(block.length, 1_000_000)
  for (const address of node.announcedAddresses()) assert.match(address, /^\/ip4\/(10\.99|127)\./)
  await node.stop()
  assert.deepEqual(
    watch.called.filter((ip) => !/^(10\.99\.0\.|127\.)/.test(ip)),
    [],
  )
  assert.deepEqual(new Set(watch.other), new Set(['UDPWRAP']))
  console.log('a block came over; nobody else was called, and no DNS was asked')
}

/** On a busy machine a peer may be connected for a while before it is known that it has blocks. */
async function fetched(node: IpfsNode, cid: CID): Promise<Uint8Array> {
  for (;;) {
    try {
      return await node.fetchBlock(cid)
    } catch (error) {
      if (!(error instanceof MissingBlockError)) throw error
    }
  }
}

async function main(): Promise<void> {
  using lan = new Lan()
  const start = (host: Namespace, ...args: string[]) =>
    host.spawn(process.execPath, [import.meta.filename, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
  const offering = start(lan.host('source'), 'source')
  const [wanted] = (await once(createInterface(offering.stdout!), 'line')) as [string]
  const reading = start(lan.host('reader'), 'reader', wanted)
  reading.stdout!.pipe(process.stdout)
  const [code] = (await once(reading, 'exit', { signal: AbortSignal.timeout(60_000) })) as [number]
  assert.equal(code, 0)
  offering.stdin!.end()
  await once(offering, 'exit')
}
