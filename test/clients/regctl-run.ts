import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { client } from './support/go-client.ts'
import { plainHttp } from './support/transport.ts'
import type { World } from './client.ts'

/** Bytes of a chunk of an upload. Blobs that are larger than that are sent in chunks. */
export const CHUNK = 256 * 1024

/** Runs regctl with our registries, and with small chunks. */
export async function regctl(
  world: World,
  args: readonly string[],
  input?: Uint8Array | string,
): Promise<string> {
  const { directory, host, other, mirror } = world
  const [tls = 'enabled'] = plainHttp(host, 'disabled')
  const set = { tls, blobChunk: CHUNK, blobMax: CHUNK }
  const hosts = Object.fromEntries([host, other, mirror].map((each) => [each, set]))
  const config = join(directory, 'regctl.json')
  await writeFile(config, JSON.stringify({ hosts }))
  const env = { REGCTL_CONFIG: config }
  return client(world, 'regctl', args, { env, ...(input === undefined ? {} : { input }) })
}
