// java -cp jxl.jar Jexcel.java TABLE.tsv OUT: JExcelAPI, .xls.
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import jxl.CellView;
import jxl.Workbook;
import jxl.WorkbookSettings;
import jxl.write.DateTime;
import jxl.write.Formula;
import jxl.write.Label;
import jxl.write.NumberFormat;
import jxl.write.WritableCellFormat;
import jxl.write.WritableSheet;
import jxl.write.WritableWorkbook;

public class Jexcel {
    public static void main(String[] args) throws Exception {
        WritableWorkbook book = Workbook.createWorkbook(new File(args[1]), new WorkbookSettings());
        WritableSheet sheet = book.createSheet("Table", 0);
        Map<String, WritableCellFormat> formats = new HashMap<>();
        List<String> names = new ArrayList<>();
        for (String line : Files.readAllLines(Path.of(args[0]))) {
            String[] v = line.split("\t", -1);
            String name = v[0], type = v[1], value = v[2].replace("\\n", "\n"), code = v[3];
            int r = names.size();
            // It calculates nothing and keeps a zero as the result of a formula; it has no errors of its own.
            if (type.equals("formula") || type.equals("error")) continue;
            WritableCellFormat format = new WritableCellFormat();
            if (!code.isEmpty()) {
                if (!formats.containsKey(code)) {
                    boolean moment = code.matches(".*[ymdhs].*") && !code.contains("EUR");
                    formats.put(code, moment ? new WritableCellFormat(new jxl.write.DateFormat(code))
                        : new WritableCellFormat(new NumberFormat(code, NumberFormat.COMPLEX_FORMAT)));
                }
                format = formats.get(code);
            }
            if (type.equals("text")) sheet.addCell(new Label(1, r, value));
            if (type.equals("number")) sheet.addCell(new jxl.write.Number(1, r, Double.parseDouble(value), format));
            if (type.equals("boolean")) sheet.addCell(new jxl.write.Boolean(1, r, value.equals("True")));
            if (type.equals("day")) sheet.addCell(new DateTime(1, r,
                new java.util.Date(java.time.LocalDate.parse(value).toEpochDay() * 86400000L), format, DateTime.GMT));
            sheet.addCell(new Label(0, r, name));
            sheet.addCell(new jxl.write.Number(2, r, 1000 + r));
            sheet.addCell(new Label(3, r, "hidden"));
            if (name.equals("hidden row")) sheet.setRowView(r, true);
            if (name.equals("merged")) sheet.mergeCells(1, r, 2, r);
            names.add('"' + name + '"');
        }
        CellView hidden = new CellView();
        hidden.setHidden(true);
        sheet.setColumnView(3, hidden);
        book.write();
        book.close();
        System.out.println(names);
    }
}
