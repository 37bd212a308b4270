import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { replaced } from '../support/figures-page.ts'
import { asMarkdown } from './table.ts'

/* Puts the table of access and limits into docs/security.md. */

const PAGE = join(import.meta.dirname, '../../docs/security.md')
await writeFile(PAGE, replaced(await readFile(PAGE, 'utf8'), 'table', asMarkdown()))
