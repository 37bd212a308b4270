import { randomBytes } from 'node:crypto'
import { readFile, rm, truncate, writeFile } from 'node:fs/promises'
import type { SeededRandom } from './random.ts'

/** What happens to files on disks that rot, and to those that somebody meddles with. */
export const DAMAGES: Readonly<
  Record<string, (file: string, random: SeededRandom, other: string) => Promise<void>>
> = {
  'one bit flipped': async (file, random) => {
    const bytes = await readFile(file)
    bytes[random.between(0, bytes.length)]! ^= 1 << random.between(0, 8)
    await writeFile(file, bytes)
  },
  'its end cut off': async (file, random) =>
    truncate(file, random.between(1, (await readFile(file)).length)),
  emptied: (file) => truncate(file, 0),
  'other bytes in the middle': async (file, random) => {
    const bytes = await readFile(file)
    const at = random.between(0, bytes.length)
    randomBytes(Math.min(4096, bytes.length - at)).copy(bytes, at)
    await writeFile(file, bytes)
  },
  'zeros in the middle': async (file, random) => {
    const bytes = await readFile(file)
    bytes.fill(0, random.between(0, bytes.length))
    await writeFile(file, bytes)
  },
  'bytes added': async (file) =>
    writeFile(file, Buffer.concat([await readFile(file), randomBytes(100)])),
  'swapped with another': async (file, _, other) => {
    const [mine, its] = await Promise.all([readFile(file), readFile(other)])
    await writeFile(file, its)
    await writeFile(other, mine)
  },
  removed: (file) => rm(file),
}
