import { formatBytes, formatCell } from './format.ts'
import type { Json } from './control-client.ts'

/** A report of a check in words. */
export function describedCheck(report: Json): string {
  const checked = objectOf(report['checked'])
  const [damaged, mended] = [count(report, 'damaged'), count(report, 'mended')]
  const findings = listOf(report['findings'])
  const lines = [
    `checked: ${count(checked, 'blocks')} blocks, ${formatBytes(count(checked, 'bytes'))}; ${count(checked, 'commits')} commits with ` +
      `${count(checked, 'directories')} directories, ${count(checked, 'links')} links, ${count(checked, 'contents')} contents, ${count(checked, 'manifests')} of them manifests; ` +
      `${count(checked, 'uploads')} uploads; ${count(checked, 'claims')} notes of mirrors`,
    ...findings.flatMap(findingLines),
  ]
  const more = damaged + mended - findings.length
  if (more > 0) lines.push(`and ${more} more`)
  lines.push(`time: ${(count(report, 'ms') / 1000).toFixed(1)} s`)
  if (mended > 0) lines.push(`mended: ${mended}`)
  lines.push(damaged === 0 ? 'everything is well' : `damaged: ${damaged}`)
  return lines.map((line) => `${line}\n`).join('')
}

function findingLines(finding: Json): string[] {
  const state = finding['mended'] === true ? 'mended' : 'damaged'
  const block = finding['block'] === null ? '' : ` ${formatCell(finding['block'])}`
  const lines = [
    `${state}: ${formatCell(finding['kind'])}${block}: ${formatCell(finding['message'])}`,
  ]
  if (typeof finding['path'] === 'string') {
    const commit = finding['commit'] === null ? '' : ` of commit ${formatCell(finding['commit'])}`
    lines.push(`  at ${formatCell(finding['path'])}${commit}`)
  }
  lines.push(...listOf(finding['concerns']).map(concernLine))
  if (state === 'damaged') lines.push(`  to do: ${formatCell(finding['advice'])}`)
  return lines
}

function concernLine({ repository, tag, digest }: Json): string {
  const name = typeof repository === 'string' ? [formatCell(repository)] : []
  const tagged = typeof tag === 'string' ? [`${name.join('')}:${formatCell(tag)}`] : name
  const parts = typeof digest === 'string' ? [...tagged, formatCell(digest)] : tagged
  return `  concerns ${parts.join('  ')}`
}

function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {}
}

function listOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.map(objectOf) : []
}

function count(object: Json, key: string): number {
  const value = object[key]
  return typeof value === 'number' ? value : 0
}
