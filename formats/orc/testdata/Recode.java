import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.orc.CompressionKind;
import org.apache.orc.OrcFile;
import org.apache.orc.Reader;
import org.apache.orc.RecordReader;
import org.apache.orc.Writer;
import org.apache.orc.storage.ql.exec.vector.VectorizedRowBatch;

/** Writes the rows of an ORC file with Java's writer and its defaults: IN, then pairs of a codec and an output file. */
public class Recode {
  public static void main(String[] args) throws Exception {
    Configuration conf = new Configuration();
    Reader reader = OrcFile.createReader(new Path(args[0]), OrcFile.readerOptions(conf).useUTCTimestamp(true).convertToProlepticGregorian(true));
    for (int i = 1; i + 1 < args.length; i += 2) {
      OrcFile.WriterOptions options = OrcFile.writerOptions(conf).setSchema(reader.getSchema()).useUTCTimestamp(true).setProlepticGregorian(true)
          .compress(CompressionKind.valueOf(args[i].toUpperCase())).overwrite(true);
      try (Writer writer = OrcFile.createWriter(new Path(args[i + 1]), options); RecordReader rows = reader.rows()) {
        VectorizedRowBatch batch = reader.getSchema().createRowBatch();
        while (rows.nextBatch(batch)) {
          writer.addRowBatch(batch);
        }
      }
    }
  }
}
