import { CID } from 'multiformats/cid'
import { z } from 'zod'
import type { DurableMap } from '../registry/ports.ts'

const cid = z.string().transform((text) => CID.parse(text))
const sequence = z.string().regex(/^\d+$/).transform(BigInt)
const schema = z.object({
  /** The newest record we took: nothing below its sequence is taken again. */
  floor: z.object({ sequence, root: cid, validUntil: z.number(), record: z.string() }).optional(),
  /** The last root that was whole enough to serve. */
  current: z.object({ sequence, root: cid }).optional(),
})

/** What a mirror must never forget. */
export type MirrorState = z.infer<typeof schema>

/** One follower's part of a map, when others may follow the same name: each has a floor of its own. */
export function partOf(map: DurableMap, owner: string): DurableMap {
  const space = `${owner}/`
  return {
    get: (key) => map.get(space + key),
    put: (key, value) => map.put(space + key, value),
    putAll: (entries) =>
      map.putAll(new Map([...entries].map(([key, value]) => [space + key, value]))),
    delete: (key) => map.delete(space + key),
    entries: (prefix = '') => entriesOf(map, space, prefix),
  }
}

async function* entriesOf(
  map: DurableMap,
  space: string,
  prefix: string,
): AsyncGenerator<[string, Uint8Array]> {
  for await (const [key, value] of map.entries(space + prefix))
    yield [key.slice(space.length), value]
}

/** @throws when what is stored cannot be read: without the floor an old record could be replayed */
export async function loadMirrorState(map: DurableMap, name: string): Promise<MirrorState> {
  const bytes = await map.get(name)
  return bytes === undefined ? {} : schema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')))
}

export async function saveMirrorState(
  map: DurableMap,
  name: string,
  state: MirrorState,
): Promise<void> {
  const { floor, current } = state
  const text = JSON.stringify({
    floor: floor && { ...floor, ...texts(floor) },
    current: current && texts(current),
  })
  await map.put(name, Buffer.from(text))
}

/** JSON has neither bigints nor CIDs. */
function texts({ sequence, root }: { sequence: bigint; root: CID }): object {
  return { sequence: sequence.toString(), root: root.toString() }
}
