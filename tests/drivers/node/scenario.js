// The scenario with node's `pg`; prints what it saw as JSON. Arguments: a JSON object with the
// connection, a table's name, its DDL, rows of literals, the big table and the slow statement.
const fs = require('fs')
const { Client } = require('pg')
const Cursor = require('pg-cursor')

const input = JSON.parse(fs.readFileSync(0, 'utf8'))
const saw = {}

async function main() {
  const settings = { ...input.connection, ssl: { ca: fs.readFileSync(input.ca, 'utf8') } }
  const client = new Client(settings)
  await client.connect()
  saw.encrypted = client.connection.stream.encrypted === true

  await client.query(input.ddl)
  const marks = input.columns.map((_, i) => '$' + (i + 2)).join(',')
  for (let i = 0; i < input.rows.length; i++) {
    const done = await client.query(`INSERT INTO ${input.table} VALUES ($1,${marks})`, [i, ...input.rows[i]])
    saw['inserted' + i] = done.rowCount
  }
  const columns = input.columns.map((c) => `CAST(${c} AS VARCHAR(100)) AS ${c}`).join(',')
  saw.rows = (await client.query({ text: `SELECT ${columns} FROM ${input.table} ORDER BY id`, rowMode: 'array' })).rows
  const typed = await client.query(`SELECT c_int4, c_bool, c_ts, c_dec FROM ${input.table} WHERE id = $1`, [0])
  saw.typed = typed.rows[0]
  for (let i = 0; i < 3; i++) {
    const named = await client.query({ name: 'named', text: `SELECT id FROM ${input.table} WHERE id = $1`, values: [i] })
    saw['named' + i] = named.rows[0].id
  }

  await client.query('BEGIN')
  await client.query(`DELETE FROM ${input.table}`)
  try {
    await client.query('SELECT * FROM nosuch_table')
  } catch (e) {
    saw.error = e.code
  }
  try {
    await client.query('SELECT 1')
  } catch (e) {
    saw.aborted = e.code
  }
  await client.query('ROLLBACK')
  saw.kept = Number((await client.query(`SELECT COUNT(*) AS n FROM ${input.table}`)).rows[0].n)

  // A client that is not connected yet: the request to cancel has a connection of its own.
  const canceller = new Client(settings)
  const slow = client.query(input.slow).then(() => 'done', (e) => e.code)
  setTimeout(() => canceller.cancel(client, client.activeQuery ?? client._getActiveQuery()), 1000)
  saw.cancelled = await slow

  const cursor = client.query(new Cursor(`SELECT id, s FROM ${input.big} ORDER BY id`))
  let count = 0
  for (;;) {
    const piece = await cursor.read(5000)
    if (piece.length === 0) break
    for (const row of piece) {
      if (row.id !== count || row.s !== 'row ' + count) throw new Error('row ' + count)
      count++
    }
  }
  saw.fetched = count
  await cursor.close()
  await client.query(`DROP TABLE ${input.table}`)
  await client.end()
}

main().then(
  () => {
    console.log(JSON.stringify(saw))
    process.exit(0)
  },
  (error) => {
    console.error(error)
    process.exit(1)
  },
)
