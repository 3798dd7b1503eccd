    0  r2 = *(u32 *)(r1 +0)                        ; data
    1  r3 = *(u32 *)(r1 +4)                        ; data_end
entry:
    2  r4 = r2                                     ; v11 bound
    3  r4 += 0x22                                  ; v11 bound
    4  if r4 > r3 -> punt short                    ; v11 bound
    5  r3 = *(u16 *)(r2 +24)                       ; v1 load.le
    6  w3 += 0x1                                   ; v2 add
    7  r4 = 0x1                                    ; v3 select
    8  if w3 >= 0xffff -> .7                       ; v3 select
    9  r4 = 0x0                                    ; v3 select
.7:
   10  w3 += w4                                    ; v4 add
   11  r4 = *(u8 *)(r2 +22)                        ; v5 load
   12  r5 = r4                                     ; v6 shl
   13  w5 <<= 0x3                                  ; v6 shl
   14  r0 = r4                                     
   15  w0 &= 0x4                                   
   16  if w0 == 0x0 -> even                        
odd:
   17  w4 &= 0x7f                                  
   18  w4 <<= 0x3                                  
   19  *(u64 *)(rfp -8) = r4                       ; live through the call
   20  call FnGetSmpProcessorId                    
   21  r4 = *(u64 *)(rfp -8)                       ; live through the call
   22  goto -> count and pass                      
even:
   23  if w4 < w5 -> .8                            ; v8 select
   24  r3 = 0x123456789 ll                         ; v8 select
.8:
   26  *(u16 *)(r2 +24) = r3                       ; v19 store.le
   27  *(u32 *)(r2 +30) = 16777226                 ; v21 store
   28  r1 = r3                                     ; v10 swap16
   29  r1 = be16 r1                                ; v10 swap16
   30  r2 = 0x0                                    
   31  call FnRedirect                             
   32  exit                                        
punt short:
   33  call FnGetSmpProcessorId                    
   34  r4 = 0x10                                   
count and pass:
   35  w0 <<= 0xb                                  
   36  w0 &= 0x800                                 
   37  r2 = &stats[0]                              
   39  r2 += r0                                    
   40  r2 += r4                                    
   41  r3 = *(u64 *)(r2 +0)                        
   42  r3 += 0x1                                   
   43  *(u64 *)(r2 +0) = r3                        
   44  r0 = 0x2                                    
   45  exit                                        
