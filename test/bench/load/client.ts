import { run } from '../../e2e/support/command.ts'
import { answerParent } from '../../network/support/peer.ts'
import { OCI_IMAGE_MANIFEST } from '../../../src/oci/media-type.ts'
import { Connection, requestBytes } from './connection.ts'
import { manifestOf } from './manifest.ts'
import { push, pushImage } from './push.ts'
import type { AskOrder, ManifestsOrder, Order, Timing } from './protocol.ts'

/* The load client, in a process of its own, so that it can have a processor of its own. */

answerParent<Order, Timing>(async (order) => {
  const began = performance.now()
  const each = await obey(order)
  return { ms: performance.now() - began, each }
})

async function obey(order: Order): Promise<number[]> {
  switch (order.do) {
    case 'pin':
      await run('taskset', ['-a', '-c', '-p', String(order.core), String(process.pid)])
      return []
    case 'push':
      await push(order)
      return []
    case 'image':
      await pushImage(order, order.tag)
      return []
    case 'ask':
      return ask(order)
    case 'manifests':
      return putManifests(order)
  }
}

/** Each connection asks again as soon as it was answered. */
async function ask({ host, method, paths, connections, count }: AskOrder): Promise<number[]> {
  // Distribution gives OCI manifests only to who names them.
  const accept = { Accept: `${OCI_IMAGE_MANIFEST}, */*` }
  const requests = paths.map((path) => requestBytes(method, path, host, accept))
  const each: number[] = []
  let next = 0
  const one = async (): Promise<void> => {
    using connection = await Connection.open(host)
    while (next < count) {
      const request = requests[next++ % requests.length]
      if (request === undefined) throw new Error('nothing to ask for')
      const began = performance.now()
      const status = await connection.ask(request, method === 'HEAD')
      if (status !== 200) throw new Error(`${request.toString()} was answered ${status}`)
      each.push(performance.now() - began)
    }
  }
  await Promise.all(Array.from({ length: connections }, one))
  return each
}

async function putManifests(order: ManifestsOrder): Promise<number[]> {
  const { host, repository, config, layer, seed, count } = order
  using connection = await Connection.open(host)
  const each: number[] = []
  for (let at = 0; at < count; at++) {
    const { bytes, mediaType } = manifestOf(config, [layer], { bench: `${seed}-${at}` })
    const path = `/v2/${repository}/manifests/put-${seed}-${at}`
    const request = requestBytes('PUT', path, host, { 'Content-Type': mediaType }, bytes)
    const began = performance.now()
    const status = await connection.ask(request)
    if (status !== 201) throw new Error(`PUT ${path} was answered ${status}`)
    each.push(performance.now() - began)
  }
  return each
}
