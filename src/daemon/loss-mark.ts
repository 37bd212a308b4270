import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { readIfThere, syncDirectory, writeWhole } from '../blocks/files.ts'
import type { DataDirectory } from './data-directory.ts'

/** A file beside the databases, for it must not share what befalls them. */
const NAME = 'lost'

/** Remembers, until {@link clearLoss}, that the journal lost its end: whatever a later start finds, it is not to forget it. */
export async function markLoss({ path }: DataDirectory, message: string): Promise<void> {
  const text = JSON.stringify({ since: new Date().toISOString(), message })
  await writeWhole(path, NAME, Buffer.from(`${text}\n`))
  await syncDirectory(path)
}

/** What was lost; `undefined` when nothing was. */
export async function markedLoss({ path }: DataDirectory): Promise<string | undefined> {
  const bytes = await readIfThere(join(path, NAME))
  if (bytes === undefined) return undefined
  try {
    return String((JSON.parse(bytes.toString('utf8')) as { message?: unknown }).message)
  } catch {
    return `the journal lost its end (${join(path, NAME)} said what, and is damaged)`
  }
}

/** Somebody said how it is to go on. */
export async function clearLoss({ path }: DataDirectory): Promise<void> {
  await rm(join(path, NAME), { force: true })
  await syncDirectory(path)
}
