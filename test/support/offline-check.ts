import { loadConfig } from '../../src/config/load.ts'
import { checkOffline } from '../../src/daemon/check-offline.ts'
import type { FsckReport } from '../../src/daemon/fsck-report.ts'

/** Checks a data directory that nobody has open. */
export async function offlineCheck(
  path: string,
  {
    repair = false,
    acceptLoss = false,
    signal = new AbortController().signal,
  }: { repair?: boolean; acceptLoss?: boolean; signal?: AbortSignal } = {},
): Promise<FsckReport> {
  const env = { REGISTRY_STORAGE_PATH: path, REGISTRY_NETWORK_MODE: 'offline' }
  const { config } = await loadConfig({ env, cwd: '/' })
  let report: FsckReport | undefined
  for await (const line of checkOffline(config, { repair, acceptLoss, signal }))
    if ('report' in line) report = line.report as FsckReport
  if (report === undefined) throw new Error('there was no report')
  return report
}
