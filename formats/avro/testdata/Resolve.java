// The oracle of resolve_test.go: for each case of a folder it writes random rows of NAME.w.avsc to NAME.avro and reads
// them back as NAME.r.avsc. It prints "NAME ok ROWS DIGEST…", a canon-1 digest a column, or "NAME error MESSAGE". With
// "again" instead of a number of rows it reads each NAME.again.avro with the file's own schema.
import java.io.File;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.file.CodecFactory;
import org.apache.avro.file.DataFileReader;
import org.apache.avro.file.DataFileWriter;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.util.RandomData;

public class Resolve {
  static final CodecFactory[] CODECS = {
    CodecFactory.nullCodec(), CodecFactory.deflateCodec(6), CodecFactory.snappyCodec(), CodecFactory.bzip2Codec(),
    CodecFactory.xzCodec(1), CodecFactory.zstandardCodec(3, true)
  };

  public static void main(String[] args) throws Exception {
    if (args[1].equals("again")) {
      for (File f : new File(args[0]).listFiles((d, n) -> n.endsWith(".again.avro"))) {
        Schema s;
        try (DataFileReader<Object> r = new DataFileReader<>(f, new GenericDatumReader<>())) {
          s = r.getSchema();
        }
        System.out.println(f.getName().replace(".again.avro", "") + " " + read(s, f));
      }
      return;
    }
    File[] files = new File(args[0]).listFiles((d, n) -> n.endsWith(".w.avsc"));
    Arrays.sort(files);
    int k = 0;
    for (File w : files) {
      String name = w.getName().substring(0, w.getName().length() - 7);
      File dir = w.getParentFile();
      try {
        Schema ws = parse(w);
        write(ws, new File(dir, name + ".avro"), Integer.parseInt(args[1]), k++);
        Schema rs = parse(new File(dir, name + ".r.avsc"));
        System.out.println(name + " " + read(rs, new File(dir, name + ".avro")));
      } catch (Exception e) {
        System.out.println(name + " error " + String.valueOf(e.getMessage()).replace('\n', ' '));
      }
    }
  }

  static Schema parse(File f) throws Exception {
    return new Schema.Parser().parse(f);
  }

  static void write(Schema s, File f, int rows, int k) throws Exception {
    try (DataFileWriter<Object> w = new DataFileWriter<>(new GenericDatumWriter<>(s))) {
      w.setCodec(CODECS[k % CODECS.length]);
      w.setSyncInterval(200);
      if (k / 6 % 2 == 0) { // blocks of arrays and maps that say their bytes
        w.setEncoder(out -> new EncoderFactory().configureBlockSize(64).blockingBinaryEncoder(out, null));
      }
      w.create(s, f);
      for (Object o : new RandomData(s, rows, 1000L + k)) {
        w.append(trim(o));
      }
    }
  }

  /** One entry a map: Java loses their order. */
  @SuppressWarnings("unchecked")
  static Object trim(Object o) {
    if (o instanceof Map) {
      Map<Object, Object> m = (Map<Object, Object>) o;
      if (m.isEmpty()) {
        return m;
      }
      Map.Entry<Object, Object> e = m.entrySet().iterator().next();
      Map<Object, Object> one = new HashMap<>();
      one.put(e.getKey(), trim(e.getValue()));
      return one;
    }
    if (o instanceof List) {
      ((List<Object>) o).replaceAll(Resolve::trim);
    } else if (o instanceof GenericRecord) {
      GenericRecord r = (GenericRecord) o;
      for (int i = 0; i < r.getSchema().getFields().size(); i++) {
        r.put(i, trim(r.get(i)));
      }
    }
    return o;
  }

  static String read(Schema rs, File f) throws Exception {
    int columns = rs.getType() == Schema.Type.RECORD ? rs.getFields().size() : 1;
    List<MessageDigest> sums = new ArrayList<>();
    for (int i = 0; i < columns; i++) {
      sums.add(MessageDigest.getInstance("SHA-256"));
    }
    long rows = 0;
    try (DataFileReader<Object> r = new DataFileReader<>(f, new GenericDatumReader<>(null, rs))) {
      for (Object o : r) {
        rows++;
        for (int i = 0; i < columns; i++) {
          StringBuilder b = new StringBuilder();
          if (rs.getType() == Schema.Type.RECORD) {
            canon(b, rs.getFields().get(i).schema(), ((GenericRecord) o).get(i));
          } else {
            canon(b, rs, o);
          }
          sums.get(i).update(b.append('\n').toString().getBytes(StandardCharsets.ISO_8859_1));
        }
      }
    }
    StringBuilder out = new StringBuilder("ok " + rows);
    for (MessageDigest d : sums) {
      out.append(' ').append(String.format("%064x", new BigInteger(1, d.digest())), 0, 32);
    }
    return out.toString();
  }

  static void bytes(StringBuilder b, byte[] v) {
    b.append(v.length).append(':').append(new String(v, StandardCharsets.ISO_8859_1));
  }

  static void canon(StringBuilder b, Schema s, Object v) {
    if (s.getType() == Schema.Type.UNION) {
      s = s.getTypes().get(GenericData.get().resolveUnion(s, v));
    }
    String logical = s.getProp("logicalType");
    switch (s.getType()) {
      case NULL:
        b.append("null");
        break;
      case INT:
      case LONG:
        long n = ((Number) v).longValue();
        b.append(n);
        if (n != 0 && logical != null && logical.contains("time")) {
          b.append(logical.endsWith("millis") ? "000000" : logical.endsWith("micros") ? "000" : "");
        }
        break;
      case FLOAT:
        b.append(Float.isNaN((Float) v) ? "f7fc00000" : String.format("f%08x", Float.floatToRawIntBits((Float) v)));
        break;
      case DOUBLE:
        b.append(Double.isNaN((Double) v) ? "d7ff8000000000000" : String.format("d%016x", Double.doubleToRawLongBits((Double) v)));
        break;
      case BYTES:
        ByteBuffer buf = ((ByteBuffer) v).duplicate();
        byte[] raw = new byte[buf.remaining()];
        buf.get(raw);
        bytes(b, raw);
        break;
      case FIXED:
        bytes(b, ((GenericData.Fixed) v).bytes());
        break;
      case STRING:
      case ENUM:
        bytes(b, v.toString().getBytes(StandardCharsets.UTF_8));
        break;
      case ARRAY:
        b.append('[');
        String sep = "";
        for (Object e : (Collection<?>) v) {
          b.append(sep);
          canon(b, s.getElementType(), e);
          sep = ",";
        }
        b.append(']');
        break;
      case MAP:
        b.append('[');
        sep = "";
        for (Map.Entry<?, ?> e : ((Map<?, ?>) v).entrySet()) {
          b.append(sep).append('(');
          bytes(b, e.getKey().toString().getBytes(StandardCharsets.UTF_8));
          b.append(',');
          canon(b, s.getValueType(), e.getValue());
          b.append(')');
          sep = ",";
        }
        b.append(']');
        break;
      case RECORD:
        b.append('(');
        for (int i = 0; i < s.getFields().size(); i++) {
          if (i > 0) {
            b.append(',');
          }
          canon(b, s.getFields().get(i).schema(), ((GenericRecord) v).get(i));
        }
        b.append(')');
        break;
      default:
        b.append(v);
    }
  }
}
