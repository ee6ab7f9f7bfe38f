import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.FileOutputStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.sql.Date;
import java.sql.Timestamp;
import java.util.ArrayList;
import java.util.List;
import java.util.TimeZone;

import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.orc.OrcFile;
import org.apache.orc.Reader;
import org.apache.orc.RecordReader;
import org.apache.orc.TypeDescription;
import org.apache.orc.storage.ql.exec.vector.*;
import org.apache.orc.storage.ql.io.sarg.PredicateLeaf;
import org.apache.orc.storage.ql.io.sarg.SearchArgument;
import org.apache.orc.storage.ql.io.sarg.SearchArgumentFactory;
import org.apache.orc.storage.serde2.io.HiveDecimalWritable;

/**
 * Prints what Java reads of ORC files in the form that the tests compare. Each
 * argument is a file of arguments, one a line: the ORC file, the output, and
 * for a filtered read column, operator, type and literal. The output has, row
 * by row and column by column, a length and the bytes of a value's text.
 */
public class Dump {
  public static void main(String[] args) throws Exception {
    TimeZone.setDefault(TimeZone.getTimeZone("UTC"));
    for (String job : args) {
      List<String> a = Files.readAllLines(Paths.get(job));
      try {
        dump(a);
      } catch (Exception e) {
        Files.write(Paths.get(a.get(1) + ".err"), (e + "\n" + java.util.Arrays.toString(e.getStackTrace())).getBytes(StandardCharsets.UTF_8));
      }
    }
  }

  static void dump(List<String> a) throws Exception {
    Configuration conf = new Configuration();
    Reader reader = OrcFile.createReader(new Path(a.get(0)), OrcFile.readerOptions(conf).useUTCTimestamp(true).convertToProlepticGregorian(true));
    TypeDescription schema = reader.getSchema();
    Reader.Options options = reader.options();
    if (a.size() > 2) {
      options.searchArgument(filter(a.get(2), a.get(3), a.get(4), a.get(5)), new String[]{a.get(2)});
      options.allowSARGToFilter(false);
    }
    try (DataOutputStream out = new DataOutputStream(new BufferedOutputStream(new FileOutputStream(a.get(1))));
         RecordReader rows = reader.rows(options)) {
      VectorizedRowBatch batch = schema.createRowBatch();
      while (rows.nextBatch(batch)) {
        for (int r = 0; r < batch.size; ++r) {
          for (int c = 0; c < batch.cols.length; ++c) {
            ByteArrayOutputStream b = new ByteArrayOutputStream();
            value(b, schema.getChildren().get(c), batch.cols[c], r);
            out.writeInt(b.size());
            b.writeTo(out);
          }
        }
      }
    }
  }

  static SearchArgument filter(String column, String op, String type, String text) {
    PredicateLeaf.Type t = PredicateLeaf.Type.valueOf(type);
    Object v;
    switch (t) {
      case LONG: v = Long.valueOf(text); break;
      case FLOAT: v = Double.valueOf(text); break;
      case DECIMAL: v = new HiveDecimalWritable(text); break;
      case DATE: v = Date.valueOf(text); break;
      case TIMESTAMP: v = Timestamp.valueOf(text); break;
      default: v = text;
    }
    SearchArgument.Builder b = SearchArgumentFactory.newBuilder();
    switch (op) {
      case "=": return b.equals(column, t, v).build();
      case "<": return b.lessThan(column, t, v).build();
      case "<=": return b.lessThanEquals(column, t, v).build();
      case ">": return b.startNot().lessThanEquals(column, t, v).end().build();
      case ">=": return b.startNot().lessThan(column, t, v).end().build();
      case "null": return b.isNull(column, t).build();
    }
    throw new IllegalArgumentException(op);
  }

  static void text(ByteArrayOutputStream out, String s) {
    byte[] b = s.getBytes(StandardCharsets.UTF_8);
    out.write(b, 0, b.length);
  }

  static void value(ByteArrayOutputStream out, TypeDescription type, ColumnVector v, int r) {
    if (v.isRepeating) {
      r = 0;
    }
    if (!v.noNulls && v.isNull[r]) {
      text(out, "null");
      return;
    }
    switch (type.getCategory()) {
      case BOOLEAN: text(out, ((LongColumnVector) v).vector[r] != 0 ? "true" : "false"); break;
      case BYTE: case SHORT: case INT: case LONG: case DATE: text(out, Long.toString(((LongColumnVector) v).vector[r])); break;
      case FLOAT: text(out, String.format("f%08x", Float.floatToIntBits((float) ((DoubleColumnVector) v).vector[r]))); break;
      case DOUBLE: text(out, String.format("d%016x", Double.doubleToLongBits(((DoubleColumnVector) v).vector[r]))); break;
      case STRING: case CHAR: case VARCHAR: case BINARY: {
        BytesColumnVector b = (BytesColumnVector) v;
        text(out, b.length[r] + ":");
        out.write(b.vector[r], b.start[r], b.length[r]);
        break;
      }
      case DECIMAL:
        if (v instanceof Decimal64ColumnVector) {
          text(out, java.math.BigDecimal.valueOf(((Decimal64ColumnVector) v).vector[r], type.getScale()).toPlainString());
        } else {
          text(out, ((DecimalColumnVector) v).vector[r].getHiveDecimal().bigDecimalValue().setScale(type.getScale()).toPlainString());
        }
        break;
      case TIMESTAMP: case TIMESTAMP_INSTANT: {
        TimestampColumnVector t = (TimestampColumnVector) v;
        text(out, BigInteger.valueOf(Math.floorDiv(t.time[r], 1000L)).multiply(BigInteger.valueOf(1_000_000_000)).add(BigInteger.valueOf(t.nanos[r])).toString());
        break;
      }
      case STRUCT: {
        StructColumnVector s = (StructColumnVector) v;
        text(out, "(");
        for (int i = 0; i < s.fields.length; ++i) {
          if (i > 0) {
            text(out, ",");
          }
          value(out, type.getChildren().get(i), s.fields[i], r);
        }
        text(out, ")");
        break;
      }
      case LIST: {
        ListColumnVector l = (ListColumnVector) v;
        text(out, "[");
        for (int i = 0; i < l.lengths[r]; ++i) {
          if (i > 0) {
            text(out, ",");
          }
          value(out, type.getChildren().get(0), l.child, (int) l.offsets[r] + i);
        }
        text(out, "]");
        break;
      }
      case MAP: {
        MapColumnVector m = (MapColumnVector) v;
        text(out, "[");
        for (int i = 0; i < m.lengths[r]; ++i) {
          text(out, i > 0 ? ",(" : "(");
          value(out, type.getChildren().get(0), m.keys, (int) m.offsets[r] + i);
          text(out, ",");
          value(out, type.getChildren().get(1), m.values, (int) m.offsets[r] + i);
          text(out, ")");
        }
        text(out, "]");
        break;
      }
      case UNION: {
        UnionColumnVector u = (UnionColumnVector) v;
        value(out, type.getChildren().get(u.tags[r]), u.fields[u.tags[r]], r);
        break;
      }
      default:
        throw new IllegalArgumentException(type.toString());
    }
  }
}
