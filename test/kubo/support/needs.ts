import { findProgram, findTool } from '../../tools/find.ts'
import { howToGet } from '../../tools/catalog.ts'

/** What is missing here for the specs with Kubo, one line each with the way to get it; empty when nothing is. */
export async function missingNeeds(): Promise<string[]> {
  const missing: string[] = []
  if ((await findTool('ipfs')) === undefined) missing.push(`ipfs (Kubo): ${howToGet('ipfs')}`)
  if ((await findProgram('skopeo')) === undefined) missing.push(`skopeo: ${howToGet('skopeo')}`)
  if ((await findProgram('docker-registry')) === undefined)
    missing.push(`docker-registry: ${howToGet('docker-registry')}`)
  return missing
}
