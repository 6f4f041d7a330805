// The scenario with pgjdbc: `java -cp postgresql.jar Scenario.java URL USER PASSWORD TABLE BIG SLOW`,
// the DDL on standard input. Prints one `name=value` a line.

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.sql.*;
import java.time.*;
import java.util.*;

public class Scenario {
    static void saw(String name, Object value) {
        System.out.println(name + "=" + value);
    }

    public static void main(String[] args) throws Exception {
        System.setOut(new java.io.PrintStream(System.out, true, StandardCharsets.UTF_8));
        String ddl = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
        String table = args[3], big = args[4], slow = args[5];
        try (Connection c = DriverManager.getConnection(args[0], args[1], args[2])) {
            saw("product", c.getMetaData().getDatabaseProductVersion());
            saw("valid", c.isValid(5));
            try (Statement s = c.createStatement()) {
                s.executeUpdate(ddl);
            }
            types(c, table);
            transaction(c, table);
            cancel(c, slow);
            fetch(c, big);
            batch(c, table);
            metadata(c, table);
            try (Statement s = c.createStatement()) {
                s.executeUpdate("DROP TABLE " + table);
            }
        }
    }

    static void types(Connection c, String table) throws Exception {
        String insert = "INSERT INTO " + table + " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
        try (PreparedStatement p = c.prepareStatement(insert)) {
            p.setInt(1, 1);
            p.setBoolean(2, true);
            p.setShort(3, (short) -32768);
            p.setInt(4, Integer.MIN_VALUE);
            p.setLong(5, Long.MIN_VALUE);
            p.setBigDecimal(6, new BigDecimal("-12345678.90"));
            p.setBigDecimal(7, new BigDecimal("99999999999999.9999"));
            p.setBigDecimal(8, new BigDecimal("1234567890123456789012345678.0123456789"));
            p.setFloat(9, 1.5f);
            p.setDouble(10, 0.1);
            p.setString(11, "ab");
            p.setString(12, "héllo wörld €");
            p.setObject(13, LocalDate.of(2020, 2, 29));
            p.setObject(14, LocalTime.of(13, 5, 9, 123456000));
            p.setObject(15, OffsetTime.of(23, 59, 59, 0, ZoneOffset.UTC));
            p.setObject(16, LocalDateTime.of(2020, 12, 31, 23, 59, 59, 999999000));
            p.setObject(17, OffsetDateTime.of(2020, 7, 4, 12, 0, 0, 0, ZoneOffset.UTC));
            saw("inserted", p.executeUpdate());
            p.setInt(1, 2);
            int[] kinds = {
                Types.BIT, Types.SMALLINT, Types.INTEGER, Types.BIGINT, Types.NUMERIC, Types.NUMERIC, Types.NUMERIC,
                Types.REAL, Types.DOUBLE, Types.CHAR, Types.VARCHAR, Types.DATE, Types.TIME, Types.TIME,
                Types.TIMESTAMP, Types.TIMESTAMP_WITH_TIMEZONE
            };
            for (int i = 0; i < kinds.length; i++) p.setNull(i + 2, kinds[i]);
            saw("insertedNulls", p.executeUpdate());
        }
        // From the fifth run on pgjdbc names the statement and asks for binary results.
        String select = "SELECT * FROM " + table + " WHERE id = ?";
        try (PreparedStatement p = c.prepareStatement(select)) {
            for (int run = 0; run < 8; run++) {
                p.setInt(1, 1);
                try (ResultSet r = p.executeQuery()) {
                    r.next();
                    String row = r.getBoolean(2) + "|" + r.getShort(3) + "|" + r.getInt(4) + "|" + r.getLong(5) + "|"
                        + r.getBigDecimal(6) + "|" + r.getBigDecimal(7) + "|" + r.getBigDecimal(8) + "|"
                        + r.getFloat(9) + "|" + r.getDouble(10) + "|" + r.getString(11) + "|" + r.getString(12) + "|"
                        + r.getObject(13, LocalDate.class) + "|" + r.getObject(14, LocalTime.class) + "|"
                        + r.getObject(15, OffsetTime.class) + "|" + r.getObject(16, LocalDateTime.class) + "|"
                        + r.getObject(17, OffsetDateTime.class).toInstant();
                    saw("row" + run, row);
                }
            }
            p.setInt(1, 2);
            try (ResultSet r = p.executeQuery()) {
                r.next();
                int nulls = 0;
                for (int i = 2; i <= 17; i++) if (r.getObject(i) == null) nulls++;
                saw("nulls", nulls);
            }
        }
    }

    static void transaction(Connection c, String table) throws Exception {
        c.setAutoCommit(false);
        try (Statement s = c.createStatement()) {
            s.executeUpdate("DELETE FROM " + table);
            try {
                s.executeQuery("SELECT * FROM nosuch_table");
            } catch (SQLException e) {
                saw("error", e.getSQLState());
            }
            try {
                s.executeQuery("SELECT 1");
            } catch (SQLException e) {
                saw("aborted", e.getSQLState());
            }
            c.rollback();
            ResultSet r = s.executeQuery("SELECT COUNT(*) FROM " + table);
            r.next();
            saw("kept", r.getInt(1));
            c.commit();
        }
        c.setAutoCommit(true);
    }

    static void cancel(Connection c, String slow) throws Exception {
        try (Statement s = c.createStatement()) {
            Thread t = new Thread(() -> {
                try {
                    Thread.sleep(1000);
                    s.cancel();
                } catch (Exception e) {
                    saw("cancelFailed", e);
                }
            });
            t.start();
            try {
                s.executeQuery(slow);
            } catch (SQLException e) {
                saw("cancelled", e.getSQLState());
            }
            t.join();
        }
    }

    static void fetch(Connection c, String big) throws Exception {
        c.setAutoCommit(false);
        int count = 0;
        try (Statement s = c.createStatement()) {
            s.setFetchSize(5000);
            ResultSet r = s.executeQuery("SELECT id, s FROM " + big + " ORDER BY id");
            while (r.next()) {
                if (r.getInt(1) != count || !r.getString(2).equals("row " + count)) throw new Exception("row " + count);
                count++;
            }
            s.setMaxRows(10);
            r = s.executeQuery("SELECT id FROM " + big);
            int few = 0;
            while (r.next()) few++;
            saw("few", few);
        }
        c.commit();
        c.setAutoCommit(true);
        saw("fetched", count);
    }

    static void batch(Connection c, String table) throws Exception {
        try (PreparedStatement p = c.prepareStatement("INSERT INTO " + table + " (id, c_varchar) VALUES (?, ?)")) {
            for (int i = 0; i < 10; i++) {
                p.setInt(1, 100 + i);
                p.setString(2, "b" + i);
                p.addBatch();
            }
            saw("batch", Arrays.stream(p.executeBatch()).sum());
        }
    }

    static void metadata(Connection c, String table) throws Exception {
        StringBuilder names = new StringBuilder();
        try (ResultSet r = c.getMetaData().getColumns(null, "public", table, "%")) {
            while (r.next()) names.append(r.getString("COLUMN_NAME")).append(' ');
        }
        saw("columns", names.toString().trim());
    }
}
