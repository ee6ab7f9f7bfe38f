import java.io.File;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TimeZone;
import java.util.function.UnaryOperator;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.orc.storage.common.type.HiveDecimal;
import org.apache.orc.storage.ql.exec.vector.*;
import org.apache.orc.*;

// Writes ORC files with Java's writer, of what no sample at hand has, and reads
// them back with Java's reader: for each file a line of its name and rows, then
// for each column a line with its digest in the canon-1 form of the corpus.
//
//   java -cp orc-tools-uber.jar Gen.java FOLDER
public class Gen {
  static final Configuration conf = new Configuration();
  static String folder;

  public static void main(String[] args) throws Exception {
    TimeZone.setDefault(TimeZone.getTimeZone("America/Los_Angeles"));
    folder = args[0];
    String flat = "struct<b:boolean,t:tinyint,s:smallint,i:int,l:bigint,f:float,d:double,str:string,bin:binary,date:date,"
        + "dec5:decimal(5,2),dec18:decimal(18,6),dec38:decimal(38,10),c:char(12),v:varchar(20),ts:timestamp,tsi:timestamp with local time zone>";
    for (CompressionKind k : CompressionKind.values()) {
      if (k == CompressionKind.BROTLI) continue; // the jar lacks its native library
      write("codec-" + k.name().toLowerCase(), flat, 6000, 7, o -> o.compress(k).bufferSize(4096));
    }
    write("unions", "struct<u:uniontype<int,string>,l:array<uniontype<int,string,double>>,m:map<string,uniontype<bigint,array<string>>>,"
        + "n:uniontype<struct<a:int,b:string>,array<int>,uniontype<boolean,date>>>", 5000, 5, o -> o.rowIndexStride(1000));
    write("nested", "struct<a:array<map<int,array<struct<x:int,y:string>>>>,m:map<string,map<int,double>>,"
        + "s:struct<a:struct<b:struct<c:bigint,d:array<boolean>>>,e:tinyint>>", 5000, 4, o -> o.rowIndexStride(1000).stripeSize(64 << 10));
    write("direct", flat, 6000, 6, o -> o.rowIndexStride(1000).compress(CompressionKind.NONE));
    write("v11-direct", flat, 6000, 6, o -> o.version(OrcFile.Version.V_0_11).rowIndexStride(1000));
    write("v11-nested", "struct<a:array<struct<x:int,y:string>>,m:map<string,bigint>,u:uniontype<int,string>>", 4000, 6,
        o -> o.version(OrcFile.Version.V_0_11).rowIndexStride(1000));
    conf.setDouble("orc.dictionary.key.threshold", 1.0);
    write("dictionary", flat, 6000, -12, o -> o.rowIndexStride(1000));
    write("v11-dictionary", flat, 6000, -12, o -> o.version(OrcFile.Version.V_0_11).rowIndexStride(1000));
    conf.unset("orc.dictionary.key.threshold");
    write("bloom", flat, 6000, 8, o -> o.rowIndexStride(1000).bloomFilterColumns("t,s,i,l,f,d,str,date,dec5,dec18,dec38,c,v,ts,tsi").bloomFilterFpp(0.01));
    write("no-nulls", flat, 6000, 0, o -> o.rowIndexStride(1000));
    write("no-index", flat, 3000, 5, o -> o.buildIndex(false).rowIndexStride(0));
    write("root-list", "array<struct<a:int,b:string>>", 2000, 5, o -> o.rowIndexStride(1000));
    write("empty", flat, 0, 5, o -> o);
    write("proleptic", "struct<d:date,t:timestamp>", 3000, 5, o -> o.setProlepticGregorian(true));
    write("utc", "struct<d:date,t:timestamp,i:timestamp with local time zone>", 3000, 5, o -> o.useUTCTimestamp(true));
    ints();
    sorted();
    encrypted("encrypted-128", EncryptionAlgorithm.AES_CTR_128, CompressionKind.ZLIB);
    encrypted("encrypted-256", EncryptionAlgorithm.AES_CTR_256, CompressionKind.NONE);
  }

  static String path(String name) { return new File(folder, name + ".orc").getPath(); }

  // sparse: one in so many values is null, none for 0; below 0 few values differ.
  static void write(String name, String schema, int rows, int sparse, UnaryOperator<OrcFile.WriterOptions> o) throws Exception {
    write(name, schema, rows, sparse, o, null);
  }

  static void write(String name, String schema, int rows, int sparse, UnaryOperator<OrcFile.WriterOptions> o, InMemoryKeystore keys) throws Exception {
    TypeDescription t = TypeDescription.fromString(schema);
    Random r = new Random(name.hashCode());
    OrcFile.WriterOptions wo = o.apply(OrcFile.writerOptions(conf).setSchema(t).overwrite(true).rowIndexStride(1000));
    try (Writer w = OrcFile.createWriter(new Path(path(name)), wo)) {
      w.addUserMetadata("made.by", java.nio.ByteBuffer.wrap("Gen.java".getBytes()));
      for (int done = 0; done < rows; ) {
        VectorizedRowBatch b = t.createRowBatch(Math.min(1000, rows - done));
        int n = Math.min(b.getMaxSize(), rows - done);
        ColumnVector[] cols = b.cols;
        List<TypeDescription> types = t.getCategory() == TypeDescription.Category.STRUCT ? t.getChildren() : Arrays.asList(t);
        for (int c = 0; c < cols.length; c++) {
          cols[c].ensureSize(n, false);
          for (int i = 0; i < n; i++) fill(cols[c], types.get(c), i, r, sparse);
        }
        b.size = n;
        w.addRowBatch(b);
        done += n;
      }
    }
    print(name, keys);
  }

  static void encrypted(String name, EncryptionAlgorithm a, CompressionKind k) throws Exception {
    InMemoryKeystore keys = new InMemoryKeystore(new Random(5)).addKey("pii", a, "0123456789abcdefFEDCBA9876543210".getBytes())
        .addKey("other", a, "fedcba98765432100123456789ABCDEF".getBytes());
    UnaryOperator<OrcFile.WriterOptions> o = w -> w.setKeyProvider(keys).encrypt("pii:ssn,s.a;other:l").masks("nullify:ssn,s.a,l")
        .compress(k).bufferSize(2048).rowIndexStride(1000).stripeSize(64 << 10).bloomFilterColumns("ssn,id");
    write(name, "struct<id:int,ssn:string,s:struct<a:bigint,b:string>,l:array<string>>", 20000, 9, o, keys);
    System.out.print("masked ");
    print(name, null);
  }

  // ints has a column for each width of values, and in each the patterns that the
  // encodings of version 2 are for.
  static void ints() throws Exception {
    TypeDescription t = TypeDescription.createStruct();
    for (int w = 1; w <= 64; w++) t.addField("w" + w, TypeDescription.createLong());
    Random r = new Random(11);
    int rows = 12600;
    try (Writer w = OrcFile.createWriter(new Path(path("ints")), OrcFile.writerOptions(conf).setSchema(t).overwrite(true)
        .compress(CompressionKind.NONE).rowIndexStride(1000).encodingStrategy(OrcFile.EncodingStrategy.COMPRESSION))) { // of all widths
      VectorizedRowBatch b = t.createRowBatch(rows);
      for (int c = 0; c < 64; c++) {
        long[] v = ((LongColumnVector) b.cols[c]).vector;
        int bits = c + 1;
        long at = 0;
        for (int i = 0; i < rows; i++) {
          long any = bits == 64 ? r.nextLong() : r.nextLong() & ((1L << bits) - 1);
          switch (i / 2100 % 6) {
            case 0: v[i] = any; break; // direct
            case 1: v[i] = i / 7 % 2 == 0 ? (1L << Math.min(bits, 62)) - i / 7 : any; break; // short repeats between
            case 2: at += any >>> Math.min(bits - 1, bits / 2); v[i] = at; break; // rising
            case 3: at -= any >>> Math.min(bits - 1, bits / 2); v[i] = at; break; // falling
            case 4: v[i] = r.nextInt(40) == 0 ? any : any & 7; break; // outliers
            default: v[i] = r.nextInt(3) == 0 ? -any : any; break;
          }
        }
      }
      b.size = rows;
      w.addRowBatch(b);
    }
    print("ints", null);
  }

  // sorted is three stripes of five row groups, ascending but for b: a copy of it is
  // kept as testdata/sorted.orc.
  static void sorted() throws Exception {
    TypeDescription t = TypeDescription.fromString("struct<id:bigint,b:string,c:double,s:struct<x:int,y:string>,d:date,ts:timestamp,dec:decimal(12,2)>");
    Random r = new Random(3);
    try (Writer w = OrcFile.createWriter(new Path(path("sorted")), OrcFile.writerOptions(conf).setSchema(t).overwrite(true)
        .compress(CompressionKind.SNAPPY).enforceBufferSize().bufferSize(1024).rowIndexStride(1000).bloomFilterColumns("b,id"))) {
      for (int stripe = 0; stripe < 3; stripe++) {
        VectorizedRowBatch b = t.createRowBatch(5000);
        StructColumnVector s = (StructColumnVector) b.cols[3];
        for (int i = 0; i < 5000; i++) {
          int row = stripe * 5000 + i;
          ((LongColumnVector) b.cols[0]).vector[i] = row;
          ((BytesColumnVector) b.cols[1]).setVal(i, ("b" + r.nextInt(40)).getBytes());
          ((DoubleColumnVector) b.cols[2]).vector[i] = row / 64 / 8.0;
          ((LongColumnVector) s.fields[0]).vector[i] = row / 100;
          ((BytesColumnVector) s.fields[1]).setVal(i, ("y" + row / 500).getBytes());
          ((LongColumnVector) b.cols[4]).vector[i] = row / 50;
          ((TimestampColumnVector) b.cols[5]).time[i] = (1000000000L + row / 10) * 1000;
          ((TimestampColumnVector) b.cols[5]).nanos[i] = 0;
          ((DecimalColumnVector) b.cols[6]).set(i, HiveDecimal.create(new BigDecimal(BigInteger.valueOf(row / 20), 2)));
        }
        b.size = 5000;
        w.addRowBatch(b);
        w.writeIntermediateFooter();
      }
    }
    print("sorted", null);
  }

  static byte[] text(Random r, int most, int sparse) {
    if (sparse < 0) return Arrays.copyOf(("value " + r.nextInt(40)).getBytes(), Math.min(most, 8));
    int n = r.nextInt(8) == 0 ? 0 : r.nextInt(most);
    byte[] b = new byte[n];
    for (int i = 0; i < n; i++) b[i] = (byte) ('a' + r.nextInt(26));
    return b;
  }

  static void fill(ColumnVector col, TypeDescription t, int i, Random r, int sparse) {
    int rate = Math.abs(sparse);
    if (rate > 0 && r.nextInt(rate) == 0) {
      col.noNulls = false;
      col.isNull[i] = true;
      return;
    }
    switch (t.getCategory()) {
      case BOOLEAN: ((LongColumnVector) col).vector[i] = r.nextInt(2); break;
      case BYTE: ((LongColumnVector) col).vector[i] = (byte) r.nextInt(); break;
      case SHORT: ((LongColumnVector) col).vector[i] = (short) r.nextInt(); break;
      case INT: ((LongColumnVector) col).vector[i] = r.nextInt() >> r.nextInt(32); break;
      case LONG: ((LongColumnVector) col).vector[i] = r.nextLong() >> r.nextInt(64); break;
      case DATE: ((LongColumnVector) col).vector[i] = r.nextInt(80000) - 20000; break;
      case FLOAT: ((DoubleColumnVector) col).vector[i] = (float) r.nextGaussian(); break;
      case DOUBLE: ((DoubleColumnVector) col).vector[i] = r.nextInt(50) == 0 ? Double.NaN : r.nextGaussian(); break;
      case STRING: case BINARY: ((BytesColumnVector) col).setVal(i, text(r, 30, sparse)); break;
      case CHAR: case VARCHAR: ((BytesColumnVector) col).setVal(i, text(r, t.getMaxLength(), sparse)); break;
      case DECIMAL: {
        BigInteger v = new BigInteger(1 + r.nextInt((int) (3.3 * t.getPrecision()) - 1), r);
        if (r.nextBoolean()) v = v.negate();
        ((DecimalColumnVector) col).set(i, HiveDecimal.create(new BigDecimal(v, t.getScale())));
        break;
      }
      case TIMESTAMP: case TIMESTAMP_INSTANT: {
        TimestampColumnVector c = (TimestampColumnVector) col;
        long sec = r.nextInt(4) == 0 ? r.nextInt() : r.nextInt(1000000000) + 1000000000L;
        int ns = r.nextInt(3) == 0 ? r.nextInt(1000) * 1000000 : r.nextInt(1000000000);
        c.time[i] = sec * 1000 + ns / 1000000;
        c.nanos[i] = ns;
        break;
      }
      case LIST: {
        ListColumnVector c = (ListColumnVector) col;
        int n = r.nextInt(5);
        c.offsets[i] = c.childCount;
        c.lengths[i] = n;
        c.childCount += n;
        c.child.ensureSize(c.childCount, true);
        for (int k = 0; k < n; k++) fill(c.child, t.getChildren().get(0), (int) c.offsets[i] + k, r, sparse);
        break;
      }
      case MAP: {
        MapColumnVector c = (MapColumnVector) col;
        int n = r.nextInt(4);
        c.offsets[i] = c.childCount;
        c.lengths[i] = n;
        c.childCount += n;
        c.keys.ensureSize(c.childCount, true);
        c.values.ensureSize(c.childCount, true);
        for (int k = 0; k < n; k++) {
          fill(c.keys, t.getChildren().get(0), (int) c.offsets[i] + k, r, 0);
          fill(c.values, t.getChildren().get(1), (int) c.offsets[i] + k, r, sparse);
        }
        break;
      }
      case STRUCT: {
        StructColumnVector c = (StructColumnVector) col;
        for (int k = 0; k < c.fields.length; k++) {
          c.fields[k].ensureSize(i + 1, true);
          fill(c.fields[k], t.getChildren().get(k), i, r, sparse);
        }
        break;
      }
      case UNION: {
        UnionColumnVector c = (UnionColumnVector) col;
        int tag = r.nextInt(c.fields.length);
        c.tags[i] = tag;
        c.fields[tag].ensureSize(i + 1, true);
        fill(c.fields[tag], t.getChildren().get(tag), i, r, sparse);
        break;
      }
      default: throw new IllegalStateException(t.toString());
    }
  }

  static void print(String name, InMemoryKeystore keys) throws Exception {
    OrcFile.ReaderOptions o = OrcFile.readerOptions(conf).useUTCTimestamp(true);
    if (keys != null) o.setKeyProvider(keys);
    try (Reader rd = OrcFile.createReader(new Path(path(name)), o)) {
      TypeDescription t = rd.getSchema();
      boolean struct = t.getCategory() == TypeDescription.Category.STRUCT;
      List<TypeDescription> types = struct ? t.getChildren() : Arrays.asList(t);
      MessageDigest[] sums = new MessageDigest[types.size()];
      for (int c = 0; c < sums.length; c++) sums[c] = MessageDigest.getInstance("SHA-256");
      VectorizedRowBatch b = t.createRowBatch();
      long rows = 0;
      try (RecordReader rr = rd.rows()) {
        while (rr.nextBatch(b)) {
          rows += b.size;
          for (int c = 0; c < sums.length; c++) {
            for (int i = 0; i < b.size; i++) {
              java.io.ByteArrayOutputStream out = new java.io.ByteArrayOutputStream();
              canon(out, b.cols[c], types.get(c), i);
              out.write('\n');
              sums[c].update(out.toByteArray());
            }
          }
        }
      }
      System.out.println(name + " " + rows);
      for (int c = 0; c < sums.length; c++) {
        StringBuilder hex = new StringBuilder();
        for (byte x : sums[c].digest()) hex.append(String.format("%02x", x));
        System.out.println("\t" + (struct ? t.getFieldNames().get(c) : "value") + " " + hex.substring(0, 32));
      }
    }
  }

  static void put(java.io.ByteArrayOutputStream out, String s) {
    byte[] b = s.getBytes(StandardCharsets.UTF_8);
    out.write(b, 0, b.length);
  }

  static void canon(java.io.ByteArrayOutputStream out, ColumnVector col, TypeDescription t, int i) {
    if (col.isRepeating) i = 0;
    if (!col.noNulls && col.isNull[i]) {
      put(out, "null");
      return;
    }
    switch (t.getCategory()) {
      case BOOLEAN: put(out, ((LongColumnVector) col).vector[i] != 0 ? "true" : "false"); break;
      case BYTE: case SHORT: case INT: case LONG: case DATE: put(out, Long.toString(((LongColumnVector) col).vector[i])); break;
      case FLOAT: {
        float v = (float) ((DoubleColumnVector) col).vector[i];
        put(out, Float.isNaN(v) ? "f7fc00000" : String.format("f%08x", Float.floatToRawIntBits(v)));
        break;
      }
      case DOUBLE: {
        double v = ((DoubleColumnVector) col).vector[i];
        put(out, Double.isNaN(v) ? "d7ff8000000000000" : String.format("d%016x", Double.doubleToRawLongBits(v)));
        break;
      }
      case STRING: case VARCHAR: case BINARY: case CHAR: {
        BytesColumnVector c = (BytesColumnVector) col;
        byte[] v = Arrays.copyOfRange(c.vector[i], c.start[i], c.start[i] + c.length[i]);
        if (t.getCategory() == TypeDescription.Category.CHAR) { // the reader takes away the spaces that are stored
          int n = v.length;
          v = Arrays.copyOf(v, t.getMaxLength());
          Arrays.fill(v, n, v.length, (byte) ' ');
        }
        put(out, v.length + ":");
        out.write(v, 0, v.length);
        break;
      }
      case DECIMAL:
        put(out, ((DecimalColumnVector) col).vector[i].getHiveDecimal().bigDecimalValue().setScale(t.getScale()).toPlainString());
        break;
      case TIMESTAMP: case TIMESTAMP_INSTANT: {
        TimestampColumnVector c = (TimestampColumnVector) col;
        put(out, BigInteger.valueOf(Math.floorDiv(c.time[i], 1000L)).multiply(BigInteger.valueOf(1000000000)).add(BigInteger.valueOf(c.nanos[i])).toString());
        break;
      }
      case LIST: {
        ListColumnVector c = (ListColumnVector) col;
        put(out, "[");
        for (int k = 0; k < c.lengths[i]; k++) {
          if (k > 0) put(out, ",");
          canon(out, c.child, t.getChildren().get(0), (int) c.offsets[i] + k);
        }
        put(out, "]");
        break;
      }
      case MAP: {
        MapColumnVector c = (MapColumnVector) col;
        put(out, "[");
        for (int k = 0; k < c.lengths[i]; k++) {
          put(out, k > 0 ? ",(" : "(");
          canon(out, c.keys, t.getChildren().get(0), (int) c.offsets[i] + k);
          put(out, ",");
          canon(out, c.values, t.getChildren().get(1), (int) c.offsets[i] + k);
          put(out, ")");
        }
        put(out, "]");
        break;
      }
      case STRUCT: {
        StructColumnVector c = (StructColumnVector) col;
        put(out, "(");
        for (int k = 0; k < c.fields.length; k++) {
          if (k > 0) put(out, ",");
          canon(out, c.fields[k], t.getChildren().get(k), i);
        }
        put(out, ")");
        break;
      }
      case UNION: {
        UnionColumnVector c = (UnionColumnVector) col;
        canon(out, c.fields[c.tags[i]], t.getChildren().get(c.tags[i]), i);
        break;
      }
      default: throw new IllegalStateException(t.toString());
    }
  }
}
